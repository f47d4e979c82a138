"""The end-to-end test's look at answers (`contract.py`) refuses what `infra/openapi.yaml` does not say.

    cd infra/local && ../../.venv/bin/python -m unittest -v test_contract
"""

import json
import unittest

from contract import wrong

HEADERS = {"Cache-Control": "no-store", "Content-Type": "application/json"}
DONE = {"success": True}
BUSY = {"success": False, "code": "busy", "error": "Sistem sedang sibuk, coba lagi", "retryAfter": 1}
CUSTOMER = {"id": "c1", "name": "Budi", "username": "budi"}
SESSION = {"success": True, "token": "c1.x", "expiresAt": "2026-11-20T02:03:10Z", "customer": CUSTOMER}
NOT_FOUND = {"success": False, "code": "not_found", "error": "Tidak ditemukan"}
WRONG_METHOD = {"success": False, "code": "method_not_allowed", "error": "Metode tidak didukung"}
ME = "/api/customer/me"
OTP, LOGIN, LOGOUT, ELSEWHERE = "/api/customer/otp", "/api/customer/login", "/api/customer/logout", "/api/elsewhere"


def without(name: str) -> dict:
    return {key: value for key, value in HEADERS.items() if key != name}


class TheDocumentIsKept(unittest.TestCase):
    def test_what_it_says_is_accepted(self) -> None:
        for path, status, headers, body in (
            (OTP, 200, HEADERS, DONE),
            (LOGIN, 200, HEADERS, SESSION),
            (LOGIN, 503, {**HEADERS, "Retry-After": "1"}, BUSY),
            (ELSEWHERE, 404, HEADERS, NOT_FOUND),
            (ME, 405, {**HEADERS, "Allow": "GET"}, WRONG_METHOD),
            ("/api/webhooks//midtrans/", 200, HEADERS, DONE),
        ):
            self.assertEqual(wrong("POST", path, status, headers, json.dumps(body).encode()), [], (path, body))
        self.assertEqual(wrong("POST", LOGOUT, 204, HEADERS, b""), [])

    def test_what_it_does_not_say_is_refused(self) -> None:
        for path, status, headers, body in (
            (OTP, 201, HEADERS, DONE),
            (OTP, 200, without("Cache-Control"), DONE),
            (OTP, 200, without("Content-Type"), DONE),
            (OTP, 200, {**HEADERS, "Content-Type": "text/html"}, DONE),
            (OTP, 200, HEADERS, {}),
            (OTP, 200, HEADERS, {**DONE, "phone": "62"}),
            (LOGIN, 503, HEADERS, BUSY),
            (LOGIN, 503, {**without("Cache-Control"), "Retry-After": "1"}, BUSY),
            (LOGIN, 503, {**HEADERS, "Retry-After": "0"}, BUSY),
            (LOGIN, 503, {**HEADERS, "Retry-After": "1"}, {**BUSY, "code": "unheard_of"}),
            (LOGIN, 200, HEADERS, {**SESSION, "expiresAt": "2026-11-20 02:03:10"}),
            (LOGIN, 200, HEADERS, {**SESSION, "customer": {**CUSTOMER, "package": "Home 20"}}),
            # A field of the other branch.
            (LOGIN, 200, HEADERS, {**SESSION, "choose": []}),
            (LOGOUT, 204, HEADERS, DONE),
            (ELSEWHERE, 200, HEADERS, NOT_FOUND),
            (ELSEWHERE, 404, HEADERS, {"message": "Not Found"}),
            (ELSEWHERE, 404, HEADERS, WRONG_METHOD),
            (ME, 405, HEADERS, WRONG_METHOD),
            (ME, 405, {**HEADERS, "Allow": "GET, POST"}, WRONG_METHOD),
        ):
            self.assertTrue(wrong("POST", path, status, headers, json.dumps(body).encode()), (path, status, headers, body))


if __name__ == "__main__":
    unittest.main()
