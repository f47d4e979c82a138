//! Every error that a caller of the API can see: status, stable code, message in two languages. Nothing internal.

use billing::language::Language;
use cloud::store::StoreError;

/// An error as the caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    pub code: &'static str,
    /// For people, in Indonesian.
    pub indonesian: &'static str,
    /// For people, in English.
    pub english: &'static str,
    /// Seconds to wait before the same request can succeed.
    pub retry_after: Option<i64>,
}

/// The store gave no answer: said once in the log, and to the caller as "try again".
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(alarm = error.needs_a_person(), %error, "the store failed");
        BUSY
    }
}

const fn problem(status: u16, code: &'static str, indonesian: &'static str, english: &'static str) -> Problem {
    Problem { status, code, indonesian, english, retry_after: None }
}

impl Problem {
    /// Nobody gets a code until the provider has mended something, so people are told whom to turn to.
    #[must_use]
    pub fn is_about_messages(&self) -> bool {
        [MESSAGING_NOT_CONFIGURED.code, MESSAGING_STOPPED.code].contains(&self.code)
    }

    #[must_use]
    pub const fn message(&self, language: Language) -> &'static str {
        language.choose(self.indonesian, self.english)
    }

    /// What it says, and whom to turn to.
    #[must_use]
    pub fn naming(&self, contact: &str, language: Language) -> String {
        format!("{}. {}: {contact}", self.message(language), language.choose("Hubungi kami", "Contact us"))
    }

    /// The same, telling how long to wait.
    #[must_use]
    pub const fn retry_after(self, seconds: i64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

/// Token missing, wrong or expired.
pub const INVALID_TOKEN: Problem = problem(401, "invalid_token", "Token tidak valid", "The token is not valid");
/// A request with the portal's cookie that did not come from the portal, or from a page of an earlier session.
pub const NOT_FROM_HERE: Problem = problem(
    403,
    "not_from_here",
    "Halaman sudah kedaluwarsa, muat ulang lalu coba lagi",
    "This page is out of date, reload it and try again",
);
/// No invoice id.
pub const INVOICE_ID_MISSING: Problem =
    problem(400, "invoice_id_missing", "Invoice ID tidak diberikan", "No invoice id was given");
/// A gateway that does not exist. Says the same as a missing id, as the customer's specification has it.
pub const UNKNOWN_GATEWAY: Problem =
    problem(400, "unknown_gateway", "Invoice ID tidak diberikan", "Unknown payment gateway: use midtrans or xendit");
/// No such invoice, another's, or nothing to pay.
pub const INVOICE_NOT_FOUND: Problem = problem(
    404,
    "invoice_not_found",
    "Invoice tidak ditemukan atau sudah dibayar",
    "The invoice was not found or is already paid",
);
/// No gateway makes links, or not the one asked for.
pub const GATEWAY_NOT_CONFIGURED: Problem = problem(
    503,
    "gateway_not_configured",
    "Payment gateway belum dikonfigurasi",
    "The payment gateway is not configured yet",
);
/// The gateway gave no link.
pub const LINK_FAILED: Problem = problem(
    500,
    "link_failed",
    "Gagal generate payment link, coba lagi",
    "The payment link could not be made, please try again",
);
/// Another request is making the link.
pub const LINK_IN_PROGRESS: Problem =
    problem(409, "link_in_progress", "Link sedang dibuat, coba lagi", "The link is being made, please try again")
        .retry_after(1);
/// A payment is held for review: a second one beside it could count too.
pub const PAYMENT_IN_REVIEW: Problem = problem(
    409,
    "payment_in_review",
    "Pembayaran Anda sedang diperiksa, jangan membayar lagi",
    "Your payment is under review, do not pay again",
);
/// The customer has the package already.
pub const SAME_PACKAGE: Problem =
    problem(400, "same_package", "Anda sudah memakai paket ini", "You have this package already");
/// No such package, or not one that this customer may change to.
pub const UNKNOWN_PACKAGE: Problem =
    problem(400, "unknown_package", "Paket tidak tersedia", "The package is not available");
/// A package that is not sold any more.
pub const PACKAGE_RETIRED: Problem =
    problem(404, "package_retired", "Paket ini tidak dijual lagi", "The package is not sold any more");
/// Not what the customer agreed to pay.
pub const AMOUNT_CHANGED: Problem = problem(
    409,
    "amount_changed",
    "Jumlah pembayaran berubah, periksa lagi",
    "The amount has changed, please check it again",
);
/// Not an error: a change of package that costs nothing has no link.
pub const NOTHING_TO_PAY: Problem = problem(
    200,
    "nothing_to_pay",
    "Tidak ada yang perlu dibayar, paket sudah diganti",
    "There is nothing to pay, the package is changed",
);
/// The change before this one was paid and is being applied.
pub const UPGRADE_IN_PROGRESS: Problem = problem(
    409,
    "upgrade_in_progress",
    "Perubahan paket sebelumnya sedang diproses, coba lagi",
    "The previous change of package is being processed, please try again",
)
.retry_after(2);
/// The request cannot be read.
pub const BAD_REQUEST: Problem =
    problem(400, "bad_request", "Permintaan tidak dapat dibaca", "The request could not be read");
/// The body is too large.
pub const TOO_LARGE: Problem = problem(413, "too_large", "Permintaan terlalu besar", "The request is too large");
/// Not an Indonesian mobile number.
pub const INVALID_PHONE: Problem = problem(
    400,
    "invalid_phone",
    "Nomor HP tidak valid, tulis seperti 0812-3456-7890",
    "The phone number is not valid, write it like 0812-3456-7890",
);
/// The code does not fit.
pub const WRONG_CODE: Problem = problem(401, "wrong_code", "Kode salah", "The code is wrong");
/// No valid code.
pub const CODE_EXPIRED: Problem =
    problem(401, "code_expired", "Kode sudah kedaluwarsa, minta kode baru", "The code has expired, ask for a new one");
/// Too many requests or tries.
pub const TOO_MANY: Problem = problem(
    429,
    "too_many_requests",
    "Terlalu banyak percobaan, coba lagi nanti",
    "Too many attempts, try again later",
);
/// No way to send codes.
pub const MESSAGING_NOT_CONFIGURED: Problem = problem(
    503,
    "messaging_not_configured",
    "Pengiriman kode belum dikonfigurasi",
    "Sending codes is not configured yet",
);
/// The message provider takes nothing until somebody mends it.
pub const MESSAGING_STOPPED: Problem = problem(
    503,
    "messaging_stopped",
    "Kode lewat WhatsApp sedang tidak dapat dikirim, coba lagi nanti",
    "Codes cannot be sent by WhatsApp at the moment, please try again later",
)
.retry_after(300);
/// The table, a secret or a partner gave no answer.
pub const BUSY: Problem =
    problem(503, "busy", "Sistem sedang sibuk, coba lagi", "The system is busy, please try again").retry_after(1);
/// A webhook that could not be verified or confirmed: its sender is to send it again.
pub const SEND_AGAIN: Problem =
    problem(503, "not_confirmed", "Belum dapat dikonfirmasi, kirim lagi", "Not confirmed yet, send it again");
/// A webhook that is not authentic.
pub const FORGED: Problem = problem(401, "invalid_signature", "Tanda tangan tidak valid", "The signature is not valid");
/// No address of the modem's management system.
pub const ACS_NOT_CONFIGURED: Problem =
    problem(503, "acs_not_configured", "Status modem belum tersedia", "The modem's status is not available yet");
/// The modem's management system gave no answer, and nothing is remembered.
pub const ACS_UNREACHABLE: Problem = problem(
    503,
    "acs_unreachable",
    "Status modem sedang tidak dapat dibaca, coba lagi nanti",
    "The modem's status cannot be read at the moment, please try again later",
)
.retry_after(30);
/// No modem is known to be this customer's.
pub const DEVICE_NOT_FOUND: Problem = problem(
    404,
    "device_not_found",
    "Modem Anda belum terdaftar di sistem kami, hubungi kami",
    "Your modem is not registered in our system yet, please contact us",
);
/// The modem was asked to tell everything anew a moment ago.
pub const REFRESHED_LATELY: Problem = problem(
    429,
    "too_many_requests",
    "Baru saja diperbarui, tunggu sebentar sebelum mencoba lagi",
    "It was updated a moment ago, wait a little before you try again",
);
/// The path is known, the method is not one of its.
pub const WRONG_METHOD: Problem =
    problem(405, "method_not_allowed", "Metode tidak didukung", "The method is not supported");
/// No such path.
pub const NOT_FOUND: Problem = problem(404, "not_found", "Tidak ditemukan", "Not found");
