// From a bill to the gateway's page, and what is said when that does not work.

import assert from 'node:assert/strict';

import { disguise, isMarked, mark, newTab, payButton, paymentPage, requestsOf, row, said, test, useBrowser } from './page.mjs';
import { cancelInvoice, creations, demo, eventually, expireSessions, fault, invoices, newCustomer, newLink, newSession, noFaults, secretDuring, send, underWay } from './stack.mjs';

useBrowser();

const GENERATE = 'Generate Link Pembayaran';
const PAY_NOW = 'Bayar Sekarang';
const SLOW = { ms: 3000 };

/** A customer's dashboard at rest. */
async function dashboard(open, options = {}) {
  const customer = await newCustomer();
  const token = await newSession(customer);
  const page = await open({ token, at: '/customer', ...options });
  await page.waitForLoadState('networkidle');
  await mark(page);
  return { page, token, customer, invoice: customer.invoice };
}

const message = (page, invoice) => row(page, invoice).locator('[data-message]');

/** The message stands in the row, is an error, and has its "Coba lagi"; nothing was reloaded and no tab is left. */
async function refused(page, invoice, text, again = 'Coba lagi') {
  await message(page, invoice).getByText(text).waitFor();
  assert.ok((await message(page, invoice).getAttribute('class'))?.split(' ').includes('error'));
  await row(page, invoice).getByRole('button', { name: again }).waitFor();
  await eventually('the new tab is closed again', () => page.context().pages().length === 1);
  assert.ok(await isMarked(page));
}

test('generate shows loading and is disabled meanwhile', async ({ t, open }) => {
  const { page, invoice } = await dashboard(open);
  await fault(t, 'midtrans.create', 'delay', SLOW);
  const tab = await newTab(page, () => payButton(page, invoice, GENERATE).click());
  const waiting = row(page, invoice).getByRole('button', { name: 'Membuat link…' });
  await waiting.waitFor();
  assert.ok(await waiting.isDisabled());
  assert.equal(await waiting.getAttribute('aria-busy'), 'true');
  for (const button of await row(page, invoice).locator('button').all()) assert.ok(await button.isDisabled());
  await tab.waitForURL(`${demo.sandbox.midtrans}/**`);
  await payButton(page, invoice, PAY_NOW).waitFor();
  assert.ok(await payButton(page, invoice, PAY_NOW).isEnabled());
});

test('link opens in a new tab, which is opened in the click itself', async ({ t, open }) => {
  const { page, invoice } = await dashboard(open);
  let answered = false;
  page.on('response', (response) => {
    answered ||= response.url().endsWith('/api/customer/invoices/payment');
  });
  await fault(t, 'midtrans.create', 'delay', SLOW);
  const tab = await newTab(page, () => payButton(page, invoice).click());
  assert.equal(answered, false, 'no pop-up blocker minds a tab that is there before anything was waited for');
  await tab.waitForURL(`${demo.sandbox.midtrans}/**`);
  await tab.getByText(invoice.invoiceNumber).first().waitFor();
  assert.equal(await tab.evaluate(() => window.opener), null, "the gateway's page cannot reach ours");
  assert.equal(new URL(page.url()).pathname, '/customer', 'the dashboard stays');
});

test('invoice has its link afterwards', async ({ open }) => {
  const { page, token, invoice } = await dashboard(open);
  const tab = await paymentPage(page, payButton(page, invoice, GENERATE));
  const stored = (await invoices(token)).find((each) => each.id === invoice.id);
  assert.equal(stored.paymentLink, tab.url());
  assert.equal((await creations(invoice.invoiceNumber)).length, 1);
});

test('"Bayar Sekarang" appears without a reload, and opens the same page', async ({ open }) => {
  const { page, invoice } = await dashboard(open);
  const first = await paymentPage(page, payButton(page, invoice, GENERATE));
  await payButton(page, invoice, PAY_NOW).waitFor();
  assert.ok(await isMarked(page));
  const second = await paymentPage(page, payButton(page, invoice, PAY_NOW));
  assert.equal(second.url(), first.url());
  assert.equal((await creations(invoice.invoiceNumber)).length, 1);
});

test('double click makes one link', async ({ t, open }) => {
  const { page, invoice } = await dashboard(open);
  const asked = requestsOf(page, '/api/customer/invoices/payment');
  await fault(t, 'midtrans.create', 'delay', SLOW);
  const tab = await newTab(page, () => payButton(page, invoice).dblclick());
  await tab.waitForURL(`${demo.sandbox.midtrans}/**`);
  await payButton(page, invoice, PAY_NOW).waitFor();
  assert.equal(asked.length, 1);
  assert.equal((await creations(invoice.invoiceNumber)).length, 1);
  assert.equal(page.context().pages().length, 2);
});

test('when the browser blocks new tabs the page itself leads to the payment', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open({ customer });
  await page.addInitScript(() => {
    window.open = () => null;
  });
  await page.goto('/customer');
  await payButton(page, customer.invoice).click();
  await page.waitForURL(`${demo.sandbox.midtrans}/**`);
});

test('with several active gateways the customer may choose', async ({ open }) => {
  const { page, token, invoice } = await dashboard(open);
  await row(page, invoice).getByText('Metode lain').click();
  await row(page, invoice).getByRole('button', { name: 'Midtrans' }).waitFor();
  const tab = await paymentPage(page, row(page, invoice).getByRole('button', { name: 'Xendit' }));
  assert.ok(tab.url().startsWith(demo.sandbox.xendit), tab.url());
  await payButton(page, invoice, PAY_NOW).waitFor();
  assert.equal((await invoices(token)).find((each) => each.id === invoice.id).paymentLink, tab.url());
});

test('a gateway that is switched off is not offered', async ({ t, open }) => {
  await secretDuring(t, 'xendit', 'isActive', 'false', ['CreatePaymentLink']);
  const { page, invoice } = await dashboard(open);
  await row(page, invoice).getByText('Metode lain').click();
  await row(page, invoice).getByRole('button', { name: 'Xendit' }).waitFor({ state: 'hidden' });
  assert.ok(await row(page, invoice).getByRole('button', { name: 'Midtrans' }).isVisible());
});

test('error 500: "Gagal generate payment link, coba lagi", and again it works', async ({ t, open }) => {
  const { page, invoice } = await dashboard(open);
  await fault(t, 'midtrans.create', '500', { times: 5 });
  await payButton(page, invoice).click();
  await refused(page, invoice, 'Gagal generate payment link, coba lagi');
  await noFaults();
  const tab = await newTab(page, () => row(page, invoice).getByRole('button', { name: 'Coba lagi' }).click());
  await tab.waitForURL(`${demo.sandbox.midtrans}/**`);
  await payButton(page, invoice, PAY_NOW).waitFor();
  assert.equal(await row(page, invoice).locator('.error').count(), 0);
});

test('error of the network: "Koneksi gagal, periksa internet Anda", and again it works', async ({ open }) => {
  const { page, invoice } = await dashboard(open);
  await page.context().setOffline(true);
  await payButton(page, invoice).click();
  await refused(page, invoice, 'Koneksi gagal, periksa internet Anda');
  await page.context().setOffline(false);
  const tab = await newTab(page, () => row(page, invoice).getByRole('button', { name: 'Coba lagi' }).click());
  await tab.waitForURL(`${demo.sandbox.midtrans}/**`);
});

test('error 503: "Payment gateway belum dikonfigurasi"', async ({ t, open }) => {
  const { page, invoice } = await dashboard(open);
  await row(page, invoice).getByText('Metode lain').click();
  await page.waitForLoadState('networkidle');
  await secretDuring(t, 'xendit', 'isActive', 'false', ['CreatePaymentLink']);
  await row(page, invoice).getByRole('button', { name: 'Xendit' }).click();
  await refused(page, invoice, 'Payment gateway belum dikonfigurasi');
});

test('error 404: "Invoice tidak ditemukan atau sudah dibayar"', async ({ open }) => {
  const { page, invoice } = await dashboard(open);
  await cancelInvoice(invoice.invoiceNumber);
  await payButton(page, invoice).click();
  await said(page, 'Invoice tidak ditemukan atau sudah dibayar');
  await eventually('the new tab is closed again', () => page.context().pages().length === 1);
  assert.equal((await creations(invoice.invoiceNumber)).length, 0);
});

test('error 400: "Invoice ID tidak diberikan"', async ({ open }) => {
  const { page, invoice } = await dashboard(open);
  await disguise(page, invoice, '');
  await payButton(page, invoice).click();
  await refused(page, invoice, 'Invoice ID tidak diberikan');
});

test('error 401: the new tab is closed and the login says why', async ({ open }) => {
  const { page, customer, invoice } = await dashboard(open);
  await expireSessions(customer.id);
  await payButton(page, invoice).click();
  await page.waitForURL((url) => url.pathname === '/customer/login');
  await page.getByText('Sesi berakhir, silakan masuk lagi').waitFor();
  await eventually('the new tab is closed again', () => page.context().pages().length === 1);
});

test('error 409: while another request makes the link the button waits, then has it', async ({ t, open }) => {
  const { page, token, invoice } = await dashboard(open);
  const answers = [];
  page.on('response', (response) => response.url().endsWith('/invoices/payment') && answers.push(response.status()));
  await fault(t, 'midtrans.create', 'delay', SLOW);
  const other = newLink(token, invoice.id);
  await underWay(invoice.invoiceNumber);
  const tab = await newTab(page, () => payButton(page, invoice).click());
  await tab.waitForURL(`${demo.sandbox.midtrans}/**`);
  assert.equal(tab.url(), await other);
  assert.deepEqual([answers[0], answers.at(-1)], [409, 200]);
  assert.equal((await creations(invoice.invoiceNumber)).length, 1);
});

test('error 409 that does not end: "Link sedang dibuat, coba lagi"', async ({ open }) => {
  const { page, invoice } = await dashboard(open);
  // No gateway can hold a request so long: the function gives up before. So the answer is played.
  const answer = { success: false, code: 'link_in_progress', error: 'Link sedang dibuat, coba lagi', retryAfter: 1 };
  let asked = 0;
  await page.route('**/api/customer/invoices/payment', (route) => {
    asked += 1;
    return route.fulfill({ status: 409, headers: { 'retry-after': '1' }, json: answer });
  });
  await payButton(page, invoice).click();
  await refused(page, invoice, 'Link sedang dibuat, coba lagi');
  assert.equal(asked, 6, 'asked again five times');
});

test('messages are in the language of the page', async ({ t, open }) => {
  const { page, invoice } = await dashboard(open, { lang: 'en' });
  const button = row(page, invoice).locator('form[data-pay] button[type=submit]').first();
  await fault(t, 'midtrans.create', '500', { times: 5 });
  await button.click();
  await message(page, invoice).getByText('The payment link could not be made, please try again').waitFor();
  await page.context().setOffline(true);
  await button.click();
  await message(page, invoice).getByText('Connection failed, please check your internet').waitFor();
});

test('an error of the check is told too', async ({ open }) => {
  const { invoice, token } = await dashboard(open);
  const page = await open({ token });
  await page.route('**/api/customer/invoices/*/check', (route) => route.abort());
  await page.goto(`/customer/finish/${invoice.id}`);
  await page.locator('#finish').getByText('Koneksi gagal, periksa internet Anda').waitFor();
  await page.unroute('**/api/customer/invoices/*/check');
  assert.equal((await send('GET', '/api/customer/me', { token })).status, 200);
});
