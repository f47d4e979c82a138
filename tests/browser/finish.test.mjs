// Back from the gateway: found paid, extended, shown.

import assert from 'node:assert/strict';

import { comeBack, isMarked, mark, payButton, paymentPage, row, said, test, useBrowser } from './page.mjs';
import { demo, invoices, me, newCustomer, newLink, newSession, simulate } from './stack.mjs';

useBrowser();

async function dashboard(open, options) {
  const customer = await newCustomer({ expiresIn: 5, ...options });
  const token = await newSession(customer);
  const before = await me(token);
  const page = await open({ token, at: '/customer' });
  await page.waitForLoadState('networkidle');
  await mark(page);
  return { page, token, before, invoice: customer.invoice };
}

/** Row green, no button, another expiry, all of it without a reload. */
async function paidAndExtended(page, invoice, token, before) {
  await page.locator(`[data-invoice="${invoice.invoiceNumber}"][data-state=paid] .badge.green`).getByText('Lunas').waitFor();
  assert.equal(await row(page, invoice).locator('form').count(), 0);
  const now = await me(token);
  assert.ok(now.expiresAt > before.expiresAt);
  await page.locator('#account').getByText(new RegExp(`\\b${now.daysLeft} hari\\b`)).first().waitFor();
  assert.ok(await isMarked(page));
}

async function payInTheSandbox(page, tab) {
  await Promise.all([tab.waitForNavigation(), tab.getByRole('button', { name: 'Pay', exact: true }).click()]);
  await tab.getByRole('link', { name: 'Back to the merchant' }).waitFor();
}

test("paid in the sandbox's page → row green, new expiry: Midtrans", async ({ open }) => {
  const { page, token, before, invoice } = await dashboard(open);
  const tab = await paymentPage(page, payButton(page, invoice));
  await payInTheSandbox(page, tab);
  await comeBack(page);
  await paidAndExtended(page, invoice, token, before);
});

test("paid in the sandbox's page → row green, new expiry: Xendit, and an expired customer is active again", async ({ open }) => {
  const { page, token, before, invoice } = await dashboard(open, { expiresIn: -4, due: -1 });
  await row(page, invoice).getByText('Metode lain').click();
  const tab = await paymentPage(page, row(page, invoice).getByRole('button', { name: 'Xendit' }));
  await payInTheSandbox(page, tab);
  await comeBack(page);
  await paidAndExtended(page, invoice, token, before);
  await page.locator('#account').getByText('Aktif', { exact: true }).waitFor();
});

test('coming back after a lost notification: "Memeriksa pembayaran…", "Dibayar – mengaktifkan…", Lunas', async ({ open }) => {
  const { page, token, before, invoice } = await dashboard(open);
  const tab = await paymentPage(page, payButton(page, invoice));
  await simulate(tab.url(), { webhook: false });
  await comeBack(page);
  await said(page, 'Memeriksa pembayaran…');
  await said(page, 'Dibayar – mengaktifkan…');
  await paidAndExtended(page, invoice, token, before);
});

test('coming back without having paid leaves the bill as it is', async ({ open }) => {
  const { page, invoice } = await dashboard(open);
  await paymentPage(page, payButton(page, invoice));
  const checked = page.waitForResponse('**/check');
  await comeBack(page);
  assert.deepEqual((await (await checked).json()).status, 'UNPAID');
  await payButton(page, invoice, 'Bayar Sekarang').waitFor();
  assert.equal(await row(page, invoice).getAttribute('data-state'), 'unpaid');
});

test("the gateway's way back leads to the finish page, which asks and shows the new expiry", async ({ open }) => {
  for (const gateway of ['midtrans', 'xendit']) {
    const { token, before, invoice } = await dashboard(open);
    const page = await open({ token });
    await page.goto(await newLink(token, invoice.id, gateway));
    await payInTheSandbox(page, page);
    await page.getByRole('link', { name: 'Back to the merchant' }).click();
    await page.waitForURL((url) => url.origin === demo.api && url.pathname.startsWith('/customer/finish'));
    await mark(page);
    await page.locator('#finish .badge.green').getByText('Lunas').waitFor();
    assert.ok(await isMarked(page), 'without a reload');
    assert.ok((await me(token)).expiresAt > before.expiresAt);
  }
});

test('the finish page marks nothing by itself: not paid is told, and can be asked again', async ({ open }) => {
  const { token, before, invoice } = await dashboard(open);
  const link = await newLink(token, invoice.id);
  const page = await open({ token });
  await page.goto(`/customer/finish/${invoice.id}?order_id=x&status_code=200&transaction_status=settlement`);
  await said(page, 'Memeriksa pembayaran…');
  await page.getByText('Pembayaran belum diterima').waitFor();
  assert.equal((await invoices(token))[0].status, 'UNPAID');
  await simulate(link, { webhook: false });
  await mark(page);
  await page.getByRole('button', { name: 'Periksa lagi' }).click();
  await said(page, 'Dibayar – mengaktifkan…');
  await page.locator('#finish .badge.green').getByText('Lunas').waitFor();
  assert.ok(await isMarked(page));
  assert.ok((await me(token)).expiresAt > before.expiresAt);
});

test('a bill that was paid elsewhere turns green while the dashboard is open and looked at', async ({ open }) => {
  const { page, token, before, invoice } = await dashboard(open);
  const tab = await paymentPage(page, payButton(page, invoice));
  await tab.close();
  await simulate(await newLink(token, invoice.id));
  await comeBack(page);
  await paidAndExtended(page, invoice, token, before);
});

test('a card that is held for review: "Sedang diperiksa", no way to pay, and paid once it is accepted', async ({ open }) => {
  const { page, token, before, invoice } = await dashboard(open);
  const tab = await paymentPage(page, payButton(page, invoice));
  const link = tab.url();
  await simulate(link, { outcome: 'challenged', webhook: false });
  await comeBack(page);
  const held = page.locator(`[data-invoice="${invoice.invoiceNumber}"][data-state=in-review]`);
  await held.locator('.badge.blue').getByText('Sedang diperiksa').waitFor();
  await held.getByText('Jangan membayar lagi').waitFor();
  assert.equal(await held.locator('form[data-pay]').count(), 0);
  assert.ok((await invoices(token)).some((each) => each.id === invoice.id && each.inReview && each.paymentLink === null));
  await held.getByRole('button', { name: 'Periksa pembayaran' }).click();
  await said(page, 'Sedang diperiksa');
  await simulate(link, { webhook: false });
  await page.goto(`/customer/finish/${invoice.id}`);
  await row(page, invoice).getByRole('button', { name: /^Periksa/ }).click();
  await row(page, invoice).locator('.badge.green').getByText('Lunas').waitFor();
  assert.ok((await me(token)).expiresAt > before.expiresAt);
});
