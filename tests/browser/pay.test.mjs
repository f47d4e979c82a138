// A bill that is paid by whoever holds its link: without a login, with and without a script.

import assert from 'node:assert/strict';

import { comeBack, isMarked, mark, newTab, paymentPage, test, useBrowser } from './page.mjs';
import { cancelInvoice, creations, demo, eventually, fault, invoices, newCustomer, newLink, newSession, payPage, send, simulate } from './stack.mjs';

useBrowser();

const FIRST_VISIT_BYTES = 60_000;

async function bill(options) {
  const customer = await newCustomer({ name: 'Ratna Kusumaningrum', ...options });
  return { customer, invoice: customer.invoice, link: await payPage(customer.id, customer.invoice.id) };
}

const button = (page, name) => page.getByRole('button', { name, exact: true });
const state = (page, wanted) => page.locator(`.invoice[data-state=${wanted}]`).waitFor();

async function payInTheSandbox(tab) {
  await Promise.all([tab.waitForNavigation(), tab.getByRole('button', { name: 'Pay', exact: true }).click()]);
  await tab.getByRole('link', { name: 'Back to the merchant' }).waitFor();
}

/** The receipt, and nothing of who it was for. */
async function isReceipt(page, { customer, invoice }) {
  await state(page, 'paid');
  await page.getByRole('heading', { name: 'Bukti pembayaran' }).waitFor();
  for (const told of [invoice.invoiceNumber, 'Lunas', 'Dibayar pada', 'Metode', 'Berlaku sampai']) await page.getByText(told).first().waitFor();
  assert.equal(await page.locator('main form').count(), 0);
  await namesNobody(page, customer);
}

async function namesNobody(page, customer) {
  const html = await page.content();
  for (const personal of [customer.name, customer.phone, customer.phone.slice(2), customer.username, customer.id, customer.invoice.id, 'Keluarga']) {
    assert.ok(!html.includes(personal), personal);
  }
}

for (const [gateway, choose] of [
  ['Midtrans', (page) => button(page, 'Bayar Sekarang')],
  ['Xendit', (page) => button(page, 'Xendit')],
]) {
  test(`opened, paid in a new tab, Lunas without a reload: ${gateway}`, async ({ open }) => {
    const shown = await bill();
    const page = await open({ at: shown.link });
    await namesNobody(page, shown.customer);
    await page.getByText(shown.invoice.invoiceNumber).waitFor();
    await mark(page);
    if (gateway === 'Xendit') await page.getByText('Metode lain').click();
    const tab = await paymentPage(page, choose(page));
    await namesNobody(tab, shown.customer);
    assert.equal(await tab.evaluate(() => document.referrer), '', "the gateway's page is not told the link");
    await payInTheSandbox(tab);
    await comeBack(page);
    await isReceipt(page, shown);
    assert.ok(await isMarked(page));
    // The gateway's way back leads here as well, not to a login.
    await tab.getByRole('link', { name: 'Back to the merchant' }).click();
    await tab.waitForURL((url) => url.origin === demo.api && url.pathname === `${shown.link}/finish`);
    await isReceipt(tab, shown);
  });
}

test('a lost notification: the page asks, is activating, and shows the receipt', async ({ open }) => {
  const shown = await bill();
  const page = await open({ at: shown.link });
  const tab = await paymentPage(page, button(page, 'Bayar Sekarang'));
  await simulate(tab.url(), { webhook: false });
  await tab.close();
  await comeBack(page);
  await isReceipt(page, shown);
});

test('not paid yet is told to whoever asks, and opening the link alone asks nobody', async ({ open }) => {
  const shown = await bill();
  const first = await open({ at: shown.link });
  const tab = await paymentPage(first, button(first, 'Bayar Sekarang'));
  const link = tab.url();
  const page = await open();
  const posted = [];
  page.on('request', (request) => request.method() === 'GET' || posted.push(request.url()));
  await page.goto(shown.link);
  await page.waitForLoadState('networkidle');
  assert.deepEqual(posted, []);
  await button(page, 'Periksa pembayaran').click();
  await page.getByText('Pembayaran belum diterima').waitFor();
  await simulate(link, { webhook: false });
  await button(page, 'Periksa lagi').click();
  await isReceipt(page, shown);
});

test('without a script: forms, the way to the gateway and back, the receipt', async ({ open }) => {
  const shown = await bill();
  const page = await open({ javaScriptEnabled: false, at: shown.link });
  const tab = await newTab(page, () => button(page, 'Bayar Sekarang').click());
  await tab.waitForURL(`${demo.sandbox.midtrans}/**`);
  await tab.locator('form button', { hasText: /^Pay$/ }).click();
  await tab.getByRole('link', { name: 'Back to the merchant' }).click();
  await tab.waitForURL((url) => url.pathname === `${shown.link}/finish`);
  await eventually('the receipt', async () => {
    await tab.goto(`${shown.link}/finish`);
    return (await tab.locator('.invoice').getAttribute('data-state')) === 'paid';
  });
  await isReceipt(tab, shown);
});

test("the customer's own link is not given away, and somebody who paid elsewhere is found", async ({ open }) => {
  const shown = await bill();
  const token = await newSession(shown.customer);
  const own = await newLink(token, shown.invoice.id);
  const page = await open({ at: shown.link });
  const tab = await paymentPage(page, button(page, 'Bayar Sekarang'));
  assert.notEqual(tab.url(), own);
  await namesNobody(tab, shown.customer);
  assert.equal((await invoices(token))[0].paymentLink, tab.url());
  await simulate(tab.url());
  await comeBack(page);
  await isReceipt(page, shown);
});

test('a link that cannot be made is told, and can be tried again', async ({ t, open }) => {
  const shown = await bill();
  const page = await open({ at: shown.link });
  await fault(t, 'midtrans.create', '500', { times: 1 });
  await button(page, 'Bayar Sekarang').click();
  await page.getByText('Gagal generate payment link, coba lagi').waitFor();
  await eventually('the new tab is closed again', () => page.context().pages().length === 1);
  await paymentPage(page, button(page, 'Coba lagi'));
  assert.equal((await creations(shown.invoice.invoiceNumber)).length, 2);
});

test('cancelled while it is open: the page is gone, and so is the link', async ({ open }) => {
  const shown = await bill();
  const page = await open({ at: shown.link });
  await cancelInvoice(shown.invoice.invoiceNumber);
  await button(page, 'Bayar Sekarang').click();
  await page.getByRole('heading', { name: 'Link tidak berlaku' }).waitFor();
  assert.equal((await send('GET', shown.link)).status, 404);
});

test('a customer shares a bill: the page whose address can be sent on', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open({ customer, at: '/customer' });
  await page.getByText('Metode lain').click();
  await button(page, 'Bagikan link').click();
  await page.waitForURL((url) => url.pathname.startsWith('/p/'));
  const somebody = await open({ at: page.url() });
  await somebody.getByText(customer.invoice.invoiceNumber).waitFor();
  await namesNobody(somebody, customer);
  await paymentPage(somebody, button(somebody, 'Bayar Sekarang'));
});

test('a first visit is small, is kept by nobody, and tells no other site the link', async ({ open }) => {
  const shown = await bill();
  const page = await open();
  const answers = [];
  page.on('response', (response) => answers.push(response));
  await page.goto(shown.link);
  await page.waitForLoadState('networkidle');
  let bytes = 0;
  for (const answer of answers) {
    assert.equal(new URL(answer.url()).origin, demo.api);
    const { responseBodySize, responseHeadersSize } = await answer.request().sizes();
    bytes += responseBodySize + responseHeadersSize;
  }
  assert.ok(bytes < FIRST_VISIT_BYTES, `${bytes} bytes`);
  const { headers } = await send('GET', shown.link);
  assert.deepEqual([headers['referrer-policy'], headers['cache-control'], headers['set-cookie']], ['no-referrer', 'no-store', undefined]);
  assert.match(headers['x-robots-tag'], /noindex/);
  assert.deepEqual(await page.context().cookies(), []);
  assert.equal(await page.evaluate(() => navigator.serviceWorker.getRegistrations().then((found) => found.length)), 0);
});

test('the script of a paid or unknown bill has nothing to pay', async () => {
  const { link, invoice, customer } = await bill();
  const token = await newSession(customer);
  await simulate(await newLink(token, invoice.id));
  await eventually('PAID', async () => (await invoices(token))[0].status === 'PAID');
  const at = (path, what) => send('POST', `/api${path.replace('/p/', '/pay/')}/${what}`, { json: {} });
  assert.deepEqual([(await at(link, 'link')).json.code, (await at(link, 'check')).json.status], ['invoice_not_found', 'PAID']);
  for (const what of ['link', 'check']) assert.equal((await at('/p/AAAAAAAAAAAAAAAAAAAAAAAA', what)).json.code, 'not_found');
});
