import { createHmac, timingSafeEqual } from "node:crypto";

// `body`: the raw bytes of the request, before any JSON parser. Answers what they say, or null if they are not authentic.
export function verify(headers, body, secret) {
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) => headers[`webhook-${name}`] ?? "");
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp || NaN)) <= 300)) return null;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = Buffer.from("v1," + createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64"));
  const fits = (given) => given.length === expected.length && timingSafeEqual(given, expected);
  return signatures.split(" ").some((one) => fits(Buffer.from(one))) ? JSON.parse(body) : null;
}
