// Drives the gateways' own clients against a running sandbox.
//
//   node drive.mjs <midtrans base URL> <xendit base URL>
//
// Neither Midtrans client has an option for its base URL: they read it from constants, which are overwritten here.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const midtransClient = require('midtrans-client');
const apiConfig = require('midtrans-client/lib/apiConfig');
const { Xendit } = require('xendit-node');

const [midtransUrl, xenditUrl] = process.argv.slice(2);
assert.ok(midtransUrl && xenditUrl, 'usage: node drive.mjs <midtrans base URL> <xendit base URL>');
apiConfig.SNAP_SANDBOX_BASE_URL = `${midtransUrl}/snap/v1`;
apiConfig.CORE_SANDBOX_BASE_URL = midtransUrl;

const snap = new midtransClient.Snap({ isProduction: false, serverKey: 'SB-Mid-server-demo' });
const core = new midtransClient.CoreApi({ isProduction: false, serverKey: 'SB-Mid-server-demo' });
const xendit = new Xendit({ secretKey: 'xnd_development_demo', xenditURL: xenditUrl }).Invoice;

let orders = 0;
const order = (change = {}) => ({
  transaction_details: { order_id: `INV-2026-${++orders}`, gross_amount: 300000 },
  item_details: [{ id: 'net', name: 'Internet November', price: 300000, quantity: 1 }],
  customer_details: { first_name: 'Budi', phone: '+628120000001' },
  credit_card: { secure: true },
  ...change,
});

async function play(base, link, outcome, more = {}) {
  const response = await fetch(`${base}/simulate`, { method: 'POST', body: JSON.stringify({ link, outcome, ...more }) });
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return body;
}

async function fails(promise, check) {
  const error = await promise.then(() => assert.fail('the client accepted an error'), (error) => error);
  check(error);
}

const tests = {
  async 'Snap: create gives a token and a page'() {
    const wish = order();
    const { token, redirect_url } = await snap.createTransaction(wish);
    assert.match(token, /^[0-9a-f-]{36}$/);
    assert.ok(redirect_url.endsWith(token));
    const page = await (await fetch(redirect_url)).text();
    assert.ok(page.includes('Rp300.000'));
    assert.equal(typeof await snap.createTransactionToken(order()), 'string');
  },

  async 'Snap: errors arrive as error_messages'() {
    await fails(snap.createTransaction(order({ transaction_details: { order_id: 'a/b', gross_amount: 1 } })), (error) => {
      assert.equal(error.httpStatusCode, 400);
      assert.match(error.ApiResponse.error_messages.join(), /order_id/);
    });
    const stranger = new midtransClient.Snap({ isProduction: false, serverKey: 'SB-Mid-server-wrong' });
    await fails(stranger.createTransaction(order()), (error) => assert.equal(error.httpStatusCode, 401));
  },

  async 'Core: status is 404 until a method is chosen'() {
    const wish = order();
    const { redirect_url } = await snap.createTransaction(wish);
    const id = wish.transaction_details.order_id;
    await fails(core.transaction.status(id), (error) => {
      assert.equal(String(error.httpStatusCode), '404');
      assert.equal(error.ApiResponse.status_message, "Transaction doesn't exist.");
    });
    await play(midtransUrl, redirect_url, 'pending');
    const status = await core.transaction.status(id);
    assert.equal(status.transaction_status, 'pending');
    assert.equal(status.status_code, '201');
    assert.equal(status.gross_amount, '300000.00');
  },

  async 'Snap: an order id in use is refused'() {
    const wish = order();
    const { redirect_url } = await snap.createTransaction(wish);
    await snap.createTransaction(wish).then(({ redirect_url: newer }) => play(midtransUrl, newer, 'pending'));
    const dead = await fetch(`${midtransUrl}/simulate`, { method: 'POST', body: JSON.stringify({ link: redirect_url, outcome: 'paid' }) });
    assert.equal(dead.status, 409);
    await fails(snap.createTransaction(wish), (error) => {
      assert.equal(error.httpStatusCode, 400);
      assert.match(error.ApiResponse.error_messages[0], /order_id (sudah digunakan|has already been taken)/);
    });
  },

  async 'Core: cancel, and cancel again'() {
    const wish = order();
    const id = wish.transaction_details.order_id;
    await play(midtransUrl, (await snap.createTransaction(wish)).redirect_url, 'pending');
    assert.equal((await core.transaction.cancel(id)).transaction_status, 'cancel');
    await fails(core.transaction.cancel(id), (error) => assert.equal(String(error.httpStatusCode), '412'));
  },

  async 'Core: expire answers 407, which is no error'() {
    const wish = order();
    const id = wish.transaction_details.order_id;
    await play(midtransUrl, (await snap.createTransaction(wish)).redirect_url, 'pending');
    const expired = await core.transaction.expire(id);
    assert.equal(expired.status_code, '407');
    assert.equal(expired.transaction_status, 'expire');
    assert.equal((await core.transaction.status(id)).status_code, '407');
  },

  async 'Core: refunds add up, and an account cannot be refunded'() {
    const wish = order();
    const id = wish.transaction_details.order_id;
    await play(midtransUrl, (await snap.createTransaction(wish)).redirect_url, 'paid', { channel: 'gopay' });
    await core.transaction.refund(id, { refund_key: 'r1', amount: 100000, reason: 'late' });
    await core.transaction.refund(id, { refund_key: 'r1', amount: 100000, reason: 'late' });
    const partly = await core.transaction.status(id);
    assert.equal(partly.transaction_status, 'partial_refund');
    assert.equal(partly.refund_amount, '100000.00');
    await fails(core.transaction.refund(id, { refund_key: 'r2', amount: 200001 }), (error) => assert.equal(String(error.httpStatusCode), '414'));
    await core.transaction.refundDirect(id, { refund_key: 'r3', amount: 200000, reason: 'rest' });
    const wholly = await core.transaction.status(id);
    assert.equal(wholly.transaction_status, 'refund');
    assert.equal(wholly.refund_amount, '300000.00');
    assert.equal(wholly.refunds.length, 2);

    const account = order();
    await play(midtransUrl, (await snap.createTransaction(account)).redirect_url, 'paid', { channel: 'bca_va' });
    await fails(core.transaction.refund(account.transaction_details.order_id, { refund_key: 'r4' }), (error) => assert.equal(String(error.httpStatusCode), '412'));
  },

  async 'Core: a held card payment is approved or denied'() {
    for (const [decide, status] of [['approve', 'capture'], ['deny', 'deny']]) {
      const wish = order();
      const id = wish.transaction_details.order_id;
      await play(midtransUrl, (await snap.createTransaction(wish)).redirect_url, 'challenged');
      assert.equal((await core.transaction.status(id)).fraud_status, 'challenge');
      assert.equal((await core.transaction[decide](id)).transaction_status, status);
    }
  },

  async 'Core: notification() looks a transaction id up'() {
    const wish = order();
    const { redirect_url } = await snap.createTransaction(wish);
    const { transactionId } = await play(midtransUrl, redirect_url, 'paid', { channel: 'dana' });
    const status = await core.transaction.notification({ transaction_id: transactionId });
    assert.equal(status.transaction_status, 'SETTLEMENT');
    assert.equal(status.order_id, transactionId);
    await fails(core.transaction.status(wish.transaction_details.order_id), (error) => assert.equal(String(error.httpStatusCode), '404'));
  },

  async 'Core: a wrong key is refused'() {
    const stranger = new midtransClient.CoreApi({ isProduction: false, serverKey: 'SB-Mid-server-wrong' });
    await fails(stranger.transaction.status('INV-2026-1'), (error) => assert.equal(error.httpStatusCode, 401));
  },

  async 'Xendit: create, get, list'() {
    const created = await xendit.createInvoice({ data: { externalId: 'INV-X-1', amount: 300000, description: 'Internet', invoiceDuration: 3600, currency: 'IDR' } });
    assert.equal(created.status, 'PENDING');
    assert.match(created.id, /^[0-9a-f]{24}$/);
    assert.equal(created.availableBanks[0].bankCode, 'BCA');
    assert.ok(created.expiryDate - created.created >= 3_599_000);
    assert.equal((await fetch(created.invoiceUrl)).status, 200);
    const second = await xendit.createInvoice({ data: { externalId: 'INV-X-1', amount: 250000 } });
    assert.notEqual(second.id, created.id);
    const found = await xendit.getInvoices({ externalId: 'INV-X-1' });
    assert.deepEqual(found.map((invoice) => invoice.id), [second.id, created.id]);
    await play(xenditUrl, created.invoiceUrl, 'paid');
    assert.equal((await xendit.getInvoiceById({ invoiceId: created.id })).status, 'PAID');
    await play(xenditUrl, created.invoiceUrl, 'settled');
    assert.equal((await xendit.getInvoiceById({ invoiceId: created.id })).status, 'SETTLED');
    const pending = await xendit.getInvoices({ externalId: 'INV-X-1', statuses: ['PENDING'] });
    assert.deepEqual(pending.map((invoice) => invoice.id), [second.id]);
  },

  async 'Xendit: expire once'() {
    const { id } = await xendit.createInvoice({ data: { externalId: 'INV-X-2', amount: 300000 } });
    assert.equal((await xendit.expireInvoice({ invoiceId: id })).status, 'EXPIRED');
    await fails(xendit.expireInvoice({ invoiceId: id }), (error) => assert.equal(error.status, 404));
  },

  async 'Xendit: errors have a code'() {
    const check = (status, code) => (error) => {
      assert.equal(error.status, status);
      assert.equal(error.errorCode, code);
    };
    await fails(xendit.createInvoice({ data: { externalId: 'INV-X-3' } }), check(400, 'API_VALIDATION_ERROR'));
    await fails(xendit.createInvoice({ data: { externalId: 'INV-X-3', amount: 1, currency: 'USD' } }), check(400, 'UNSUPPORTED_CURRENCY'));
    await fails(xendit.getInvoiceById({ invoiceId: '0123456789abcdef01234567' }), check(404, 'INVOICE_NOT_FOUND_ERROR'));
    const stranger = new Xendit({ secretKey: 'xnd_development_wrong', xenditURL: xenditUrl }).Invoice;
    await fails(stranger.createInvoice({ data: { externalId: 'INV-X-4', amount: 1 } }), check(401, 'INVALID_API_KEY'));
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n${error.stack}`);
  }
}
assert.equal(failed, 0, `${failed} of ${Object.keys(tests).length} failed`);
console.log(`${Object.keys(tests).length} passed`);
