<?php
// $headers: array_change_key_case(getallheaders()); $body: file_get_contents("php://input"). Answers what it says, or null.
function verify(array $headers, string $body, string $secret): ?array {
    [$id, $timestamp, $signatures] = array_map(fn($name) => $headers["webhook-$name"] ?? '', ['id', 'timestamp', 'signature']);
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > 300) return null;
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret));
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    foreach (explode(' ', $signatures) as $given) {
        if (hash_equals($expected, $given)) return json_decode($body, true);
    }
    return null;
}
