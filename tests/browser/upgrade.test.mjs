// Changing the package by oneself: what can be chosen, what it comes to, paying for it, and what is said when that does not work.

import assert from 'node:assert/strict';

import { comeBack, isMarked, mark, newTab, payButton, paymentPage, requestsOf, row, said, test, useBrowser } from './page.mjs';
import { applied, creations, day, demo, eventually, expireSessions, fault, invoices, lunas, me, newCustomer, newSession, noFaults, retirePackage, sellPackage, simulate, upgradePreview } from './stack.mjs';

useBrowser();

const TAB = '/customer/wifi?tab=upgrade';
const SLOW = { ms: 3000 };
const CONFIRM = 'Konfirmasi dan Bayar';

/** Fresh packages: the current one, and those that its customers may change to, which lead nowhere. */
async function shop(t, ...targets) {
  const offered = [];
  for (const target of targets) offered.push(await sellPackage(t, { changeableTo: [], ...target }));
  const current = await sellPackage(t, { name: 'Rumah 30 Mbps', price: 200_000, changeableTo: offered.map(({ id }) => id) });
  return [current, ...offered];
}

const BIGGER = { name: 'Kantor 100 Mbps', price: 300_000, down: 100, up: 50 };

/** A customer of the package with half a month left, and a tab of theirs. */
async function visitor(open, current, { customer: fields, at = TAB, ...options } = {}) {
  const customer = await newCustomer({ packageId: current.id, expiresIn: 15, due: null, ...fields });
  const token = await newSession(customer);
  const page = await open({ token, at, ...options });
  await page.waitForLoadState('networkidle');
  return { customer, token, page };
}

const previewAt = (target) => `${TAB}&package=${target.id}`;
const upgrades = async (token) => (await invoices(token)).filter((invoice) => invoice.kind === 'upgrade');
const card = (page, { id }) => page.locator(`[data-package="${id}"]`);
const tab = (page) => page.locator('#upgrade');
const rupiah = (amount) => `Rp${amount.toLocaleString('id-ID')}`;
const oneTabIsLeft = (page) => eventually('the new tab is closed again', () => page.context().pages().length === 1);

/** A date as the portal writes it. */
const written = (instant, locale = 'id-ID') => new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'Asia/Jakarta' }).format(new Date(instant));

/** Confirms the choice that is shown; returns the gateway's page and the invoice, with the dashboard at rest. */
async function confirmed(page, token) {
  const gateway = await paymentPage(page, page.getByRole('button', { name: CONFIRM }));
  await page.waitForURL(demo.portal);
  await page.waitForLoadState('networkidle');
  const [invoice] = await upgrades(token);
  return { gateway, invoice };
}

async function payInTheSandbox(gateway) {
  await Promise.all([gateway.waitForNavigation(), gateway.getByRole('button', { name: 'Pay', exact: true }).click()]);
  await gateway.getByRole('link', { name: 'Back to the merchant' }).waitFor();
}

/** The account on the dashboard has this package, and nothing was loaded anew. */
async function hasChanged(page, token, target) {
  const account = page.locator('#account');
  await account.getByText(target.name).waitFor();
  await account.getByText(`${target.down}/${target.up} Mbps`).waitFor();
  assert.ok(await isMarked(page), 'without a reload');
  const now = await me(token);
  assert.equal(now.package.id, target.id);
  await account.getByText(written(now.expiresAt)).waitFor();
  return now;
}

test('"Ganti Paket" redirects to the tab', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page } = await visitor(open, current, { at: '/customer' });
  await page.locator('#account').getByRole('link', { name: 'Ganti Paket' }).click();
  await page.waitForURL(`${demo.api}${TAB}`);
  assert.equal(await page.locator('.tabs a[aria-current=page]').innerText(), 'Upgrade Paket');
  await card(page, target).waitFor();
});

test('available packages displayed: price, bandwidth, period, and which is the current one', async ({ t, open }) => {
  const [current, bigger, smaller, gone] = await shop(t, { ...BIGGER, months: 3 }, { name: 'Hemat 5 Mbps', price: 1_250_000, down: 5, up: 2 }, { name: 'Lama' });
  await retirePackage(gone.id);
  const { page } = await visitor(open, current);
  const shown = await page.locator('[data-package]').evaluateAll((cards) => cards.map((each) => each.dataset.package));
  assert.deepEqual(shown, [current, bigger, smaller].map(({ id }) => id), 'those that may be changed to, the cheapest first');
  for (const [offer, per] of [[current, '/ bulan'], [bigger, '/ 3 bulan'], [smaller, '/ bulan']]) {
    const text = await card(page, offer).innerText();
    for (const part of [offer.name, rupiah(offer.price), per, `${offer.down}/${offer.up} Mbps`]) assert.ok(text.includes(part), `${part} in ${text}`);
    const isCurrent = offer === current;
    assert.equal(await card(page, offer).getByText('Paket Anda').count(), isCurrent ? 1 : 0, offer.name);
    assert.equal(await card(page, offer).getByRole('link', { name: `Pilih ${offer.name}` }).count(), isCurrent ? 0 : 1, offer.name);
  }
});

test('choosing shows the preview: amount, what is carried over, new expiry, and a sentence', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token } = await visitor(open, current);
  await card(page, target).getByRole('link', { name: /Pilih/ }).click();
  await page.waitForURL((url) => url.searchParams.get('package') === target.id);
  const preview = await upgradePreview(token, target.id);
  assert.equal(preview.amount, target.price);
  // Half a month of Rp200.000 is a third of a month of Rp300.000.
  assert.ok(preview.carriedOverDays >= 9 && preview.carriedOverDays <= 11, preview.carriedOverDays);
  const days = (Date.parse(preview.newExpiresAt) - Date.now()) / 86_400_000;
  assert.ok(days > 27 + preview.carriedOverDays && days < 32 + preview.carriedOverDays, `${days} days`);

  assert.equal(await tab(page).locator('[data-amount]').innerText(), rupiah(target.price));
  const text = await tab(page).innerText();
  for (const part of [target.name, '100/50 Mbps', `${preview.carriedOverDays} hari`, written(preview.newExpiresAt), preview.explanation]) assert.ok(text.includes(part), `${part} in ${text}`);
  assert.match(preview.explanation, /^Anda membayar Rp300\.000 untuk 1 bulan Kantor 100 Mbps, mulai saat pembayaran\. Sisa Rumah 30 Mbps senilai Rp[\d.]+ menjadi tambahan \d+ hari\. Kantor 100 Mbps aktif sampai/);
  assert.deepEqual(await upgrades(token), [], 'looking costs nothing');
  await tab(page).getByRole('link', { name: 'Pilih paket lain' }).click();
  await card(page, target).waitFor();
});

test('invoice created after selection', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token } = await visitor(open, current);
  await card(page, target).getByRole('link', { name: /Pilih/ }).click();
  const { invoice } = await confirmed(page, token);
  assert.equal((await upgrades(token)).length, 1);
  assert.deepEqual([invoice.status, invoice.amount, invoice.dueDate], ['UNPAID', 300_000, day(7)]);
  assert.ok(invoice.description.includes(target.name), invoice.description);
  assert.equal((await me(token)).package.id, current.id, 'nothing changes before the payment');
});

test('link generated automatically: a new tab is opened in the click, and the dashboard lists the invoice with "Bayar Sekarang"', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token } = await visitor(open, current, { at: previewAt(target) });
  let answered = false;
  page.on('response', (response) => {
    answered ||= response.url().endsWith('/api/customer/upgrade');
  });
  await fault(t, 'midtrans.create', 'delay', SLOW);
  const gateway = await newTab(page, () => page.getByRole('button', { name: CONFIRM }).click());
  assert.equal(answered, false, 'no pop-up blocker minds a tab that is there before anything was waited for');
  await gateway.getByText('Membuka halaman pembayaran…').waitFor();
  const waiting = page.getByRole('button', { name: 'Membuat link…' });
  assert.ok(await waiting.isDisabled());
  assert.equal(await waiting.getAttribute('aria-busy'), 'true');
  await gateway.waitForURL(`${demo.sandbox.midtrans}/**`);
  await page.waitForURL(demo.portal);
  const [invoice] = await upgrades(token);
  await gateway.getByText(invoice.invoiceNumber).first().waitFor();
  assert.equal(await gateway.evaluate(() => window.opener), null, "the gateway's page cannot reach ours");
  assert.equal(invoice.paymentLink, gateway.url());
  assert.equal((await creations(invoice.invoiceNumber)).length, 1);
  const text = await row(page, invoice).innerText();
  for (const part of [target.name, rupiah(target.price), 'Belum Bayar', 'Bayar Sekarang']) assert.ok(text.includes(part), `${part} in ${text}`);
  const second = await paymentPage(page, payButton(page, invoice, 'Bayar Sekarang'));
  assert.equal(second.url(), gateway.url());
});

test('when the browser blocks new tabs the page itself leads to the payment', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page } = await visitor(open, current, { at: '/customer' });
  await page.addInitScript(() => {
    window.open = () => null;
  });
  await page.goto(previewAt(target));
  await page.getByRole('button', { name: CONFIRM }).click();
  await page.waitForURL(`${demo.sandbox.midtrans}/**`);
});

test('package changed after payment: Midtrans, in the place of the renewal that was not paid', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token, customer } = await visitor(open, current, { customer: { due: 15 }, at: previewAt(target) });
  await tab(page).getByText('Tagihan perpanjangan yang belum dibayar dibatalkan.').waitFor();
  const preview = await upgradePreview(token, target.id);
  const { gateway, invoice } = await confirmed(page, token);
  await mark(page);
  await payInTheSandbox(gateway);
  await comeBack(page);
  await said(page, 'Dibayar – mengaktifkan…');
  const now = await hasChanged(page, token, target);
  assert.ok(Math.abs(Date.parse(now.expiresAt) - Date.parse(preview.newExpiresAt)) < 600_000, `${now.expiresAt}, announced as ${preview.newExpiresAt}`);
  assert.equal(await row(page, invoice).getAttribute('data-state'), 'paid');
  await page.locator(`[data-invoice="${customer.invoice.invoiceNumber}"][data-state=cancelled]`).getByText('Dibatalkan').waitFor();
  assert.ok(await isMarked(page));
  await page.goto(TAB);
  await card(page, target).getByText('Paket Anda').waitFor();
  assert.equal(await page.locator('.notice').count(), 0, 'no change is open any more');
});

test('package changed after payment: Xendit, for an expired customer', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token } = await visitor(open, current, { customer: { expiresIn: -4 }, at: previewAt(target) });
  assert.equal(await tab(page).getByText('Sisa masa aktif dibawa').count(), 0, 'nothing is left to carry over');
  const { invoice } = await confirmed(page, token);
  await mark(page);
  await row(page, invoice).getByText('Metode lain').click();
  const gateway = await paymentPage(page, row(page, invoice).getByRole('button', { name: 'Xendit' }));
  assert.ok(gateway.url().startsWith(demo.sandbox.xendit), gateway.url());
  await payInTheSandbox(gateway);
  await comeBack(page);
  await said(page, 'Dibayar – mengaktifkan…');
  await hasChanged(page, token, target);
  await page.locator('#account').getByText('Aktif', { exact: true }).waitFor();
});

test('amount moved: the new preview with the message, and nothing was created', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  for (const javaScriptEnabled of [true, false]) {
    await lunas('packages', 'change', target.id, '--price', '300000');
    const { page, token } = await visitor(open, current, { at: previewAt(target), javaScriptEnabled });
    await lunas('packages', 'change', target.id, '--price', '325000');
    await page.getByRole('button', { name: CONFIRM }).click();
    await page.getByRole('alert').getByText('Jumlah pembayaran berubah, periksa lagi').waitFor();
    assert.equal(await tab(page).locator('[data-amount]').innerText(), 'Rp325.000');
    await oneTabIsLeft(page);
    assert.deepEqual(await upgrades(token), []);
    await page.getByRole('button', { name: CONFIRM }).click();
    await eventually('the new amount is agreed to', async () => (await upgrades(token))[0]?.amount === 325_000);
  }
});

test('gateway down: the invoice stays in the list with a message, and is paid later', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token } = await visitor(open, current, { at: previewAt(target) });
  await fault(t, 'midtrans.create', '500', { times: 5 });
  await page.getByRole('button', { name: CONFIRM }).click();
  await page.waitForURL((url) => url.pathname === '/customer');
  await page.getByRole('alert').getByText('Gagal generate payment link, coba lagi').waitFor();
  await oneTabIsLeft(page);
  const [invoice] = await upgrades(token);
  assert.deepEqual([invoice.status, invoice.paymentLink], ['UNPAID', null]);
  await noFaults();
  await mark(page);
  const gateway = await paymentPage(page, payButton(page, invoice, 'Generate Link Pembayaran'));
  await payInTheSandbox(gateway);
  await comeBack(page);
  await hasChanged(page, token, target);
  assert.equal(await page.getByRole('alert').count(), 0, 'what went wrong before is over');
});

test('already open upgrade: it is told, and choosing another one cancels the first', async ({ t, open }) => {
  const [current, first, second] = await shop(t, BIGGER, { name: 'Kantor 200 Mbps', price: 450_000, down: 200, up: 100 });
  const { page, token } = await visitor(open, current, { at: previewAt(first) });
  const { gateway, invoice } = await confirmed(page, token);
  await page.goto(TAB);
  await page.locator('.notice').getByText('Perubahan paket sebelumnya belum dibayar; memilih paket lain membatalkannya.').waitFor();
  await page.locator('.notice').getByRole('link', { name: 'Lihat tagihan' }).click();
  await row(page, invoice).waitFor();

  await page.goto(previewAt(first));
  const again = await confirmed(page, token);
  assert.equal(again.gateway.url(), gateway.url(), 'the same choice is the same invoice');

  await page.goto(previewAt(second));
  const { invoice: other } = await confirmed(page, token);
  assert.notEqual(other.id, invoice.id);
  await row(page, invoice).locator('.badge').getByText('Dibatalkan').waitFor();
  assert.equal(await row(page, invoice).locator('form').count(), 0);
  await row(page, other).locator('.badge').getByText('Belum Bayar').waitFor();
  assert.deepEqual((await upgrades(token)).map(({ status }) => status), ['UNPAID', 'CANCELLED']);
  await mark(page);
  await simulate(other.paymentLink);
  await comeBack(page);
  await hasChanged(page, token, second);
});

test('none available', async ({ t, open }) => {
  const [alone] = await shop(t);
  const [withRetired, retired] = await shop(t, BIGGER);
  await retirePackage(retired.id);
  for (const current of [alone, withRetired]) {
    const { page } = await visitor(open, current);
    await tab(page).getByText('Tidak ada paket lain yang tersedia').waitFor();
    await card(page, current).getByText('Paket Anda').waitFor();
    assert.equal(await tab(page).getByRole('link').count(), 0);
  }
});

test('double click makes one invoice', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token } = await visitor(open, current, { at: previewAt(target) });
  const asked = requestsOf(page, '/api/customer/upgrade');
  await fault(t, 'midtrans.create', 'delay', SLOW);
  const gateway = await newTab(page, () => page.getByRole('button', { name: CONFIRM }).dblclick());
  await gateway.waitForURL(`${demo.sandbox.midtrans}/**`);
  await page.waitForURL(demo.portal);
  assert.equal(asked.length, 1);
  assert.equal(page.context().pages().length, 2);
  const made = await upgrades(token);
  assert.equal(made.length, 1);
  assert.equal((await creations(made[0].invoiceNumber)).length, 1);
});

test('confirmed in two tabs: one invoice, one link, and both tabs have it', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token } = await visitor(open, current, { at: previewAt(target) });
  const other = await page.context().newPage();
  await other.goto(previewAt(target));
  await fault(t, 'midtrans.create', 'delay', SLOW);
  await Promise.all([page, other].map((each) => each.getByRole('button', { name: CONFIRM }).click()));
  await Promise.all([page, other].map((each) => each.waitForURL((url) => url.pathname === '/customer')));
  const made = await upgrades(token);
  assert.equal(made.length, 1);
  await eventually('the invoice has its link', async () => (await upgrades(token))[0].paymentLink);
  assert.equal((await creations(made[0].invoiceNumber)).length, 1);
  for (const each of [page, other]) assert.equal(await each.getByRole('alert').count(), 0, 'a link that another request makes is worth waiting for');
});

test("no JavaScript: choose, confirm, arrive at the gateway's page, come back to the new package", async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token } = await visitor(open, current, { at: '/customer', javaScriptEnabled: false });
  const before = await me(token);
  await page.getByRole('link', { name: 'Ganti Paket' }).click();
  await card(page, target).getByRole('link', { name: /Pilih/ }).click();
  await page.getByRole('button', { name: CONFIRM }).click();
  await page.getByRole('button', { name: 'Pay', exact: true }).waitFor();
  assert.ok(page.url().startsWith(demo.sandbox.midtrans), page.url());
  await payInTheSandbox(page);
  await page.getByRole('link', { name: 'Back to the merchant' }).click();
  const [invoice] = await upgrades(token);
  await applied(token, invoice.id, before);
  await page.getByRole('link', { name: 'Kembali ke beranda' }).click();
  await page.locator('#account').getByText(target.name).waitFor();
});

test('no JavaScript, gateway down: the page says so, and tries again', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token } = await visitor(open, current, { at: previewAt(target), javaScriptEnabled: false });
  await fault(t, 'midtrans.create', '500', { times: 5 });
  await page.getByRole('button', { name: CONFIRM }).click();
  await page.getByRole('alert').getByText('Gagal generate payment link, coba lagi').waitFor();
  await noFaults();
  await page.getByRole('button', { name: 'Coba lagi' }).click();
  await page.getByRole('button', { name: 'Pay', exact: true }).waitFor();
  assert.equal((await upgrades(token)).length, 1);
});

test('a hostile package name is text', async ({ t, open }) => {
  const [hostile, other] = ['<img src=x onerror=alert(1)>"\'&lt;</h3>', '</title><svg onload=alert(3)>{{7*7}}'];
  const target = await sellPackage(t, { name: hostile, changeableTo: [] });
  const current = await sellPackage(t, { name: other, changeableTo: [target.id] });
  const { page, token } = await visitor(open, current);
  for (const offer of [target, current]) assert.equal((await card(page, offer).locator('h3').innerText()).trim(), offer.name);
  await card(page, target).locator('a').click();
  await tab(page).locator('h3').getByText(hostile, { exact: true }).waitFor();
  const sentence = await tab(page).locator('.explanation').innerText();
  for (const name of [hostile, other]) assert.ok(sentence.includes(name), sentence);
  const { invoice } = await confirmed(page, token);
  assert.ok((await row(page, invoice).innerText()).includes(hostile));
  assert.equal(await page.locator('main svg, main img').count(), 0);
});

test('a package that cannot be chosen, by its address: the message stands over what can be', async ({ t, open }) => {
  const [current, retired, target] = await shop(t, { name: 'Lama' }, BIGGER);
  const foreign = await sellPackage(t, { name: 'Khusus' });
  await retirePackage(retired.id);
  const { page, token } = await visitor(open, current);
  const messages = [[retired.id, 'Paket ini tidak dijual lagi'], [current.id, 'Anda sudah memakai paket ini'], [foreign.id, 'Paket tidak tersedia'], ['<script>', 'Paket tidak tersedia']];
  for (const [id, message] of messages) {
    await page.goto(`${TAB}&package=${encodeURIComponent(id)}`);
    assert.equal(await page.getByRole('alert').innerText(), message, id);
    await card(page, target).waitFor();
    assert.equal(await page.locator('form[data-upgrade]').count(), 0);
  }
  assert.deepEqual(await upgrades(token), []);
});

test('a package that is retired between preview and confirm: the message, and nothing was created', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  for (const javaScriptEnabled of [true, false]) {
    await lunas('packages', 'change', target.id, '--active');
    const { page, token } = await visitor(open, current, { at: previewAt(target), javaScriptEnabled });
    await retirePackage(target.id);
    await page.getByRole('button', { name: CONFIRM }).click();
    await tab(page).getByText('Paket ini tidak dijual lagi').waitFor();
    await oneTabIsLeft(page);
    assert.deepEqual(await upgrades(token), []);
  }
});

test('a free package is applied at once, without a gateway', async ({ t, open }) => {
  const [current, free] = await shop(t, { name: 'Gratis 1 Mbps', price: 0, down: 1, up: 1 });
  for (const javaScriptEnabled of [false, true]) {
    const { page, token } = await visitor(open, current, { at: previewAt(free), javaScriptEnabled });
    await tab(page).getByText('Paket langsung diganti, tidak ada yang perlu dibayar.').waitFor();
    assert.equal(await tab(page).locator('[data-amount]').innerText(), 'Rp0');
    const opened = [];
    page.on('popup', () => opened.push('a new tab'));
    await page.getByRole('button', { name: 'Ganti Paket Sekarang' }).click();
    await page.waitForURL((url) => url.pathname === '/customer');
    await page.locator('#account').getByText(free.name).waitFor();
    await page.getByText('Tidak ada yang perlu dibayar, paket sudah diganti').waitFor();
    // The customer was imported: what nobody recorded as paid is no credit.
    assert.equal(await page.locator('#account').getByText('Saldo').count(), 0);
    assert.equal((await me(token)).package.id, free.id);
    const [invoice] = await upgrades(token);
    assert.deepEqual([invoice.status, invoice.amount, invoice.paymentLink], ['PAID', 0, null]);
    assert.equal((await creations(invoice.invoiceNumber)).length, 0, 'no order at a gateway');
    await oneTabIsLeft(page);
    assert.deepEqual(opened, [], 'there is nothing to pay, so nothing opens');
  }
});

test('error of the network: "Koneksi gagal, periksa internet Anda", and again it works', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, token } = await visitor(open, current, { at: previewAt(target) });
  await page.context().setOffline(true);
  await page.getByRole('button', { name: CONFIRM }).click();
  await tab(page).locator('.error').getByText('Koneksi gagal, periksa internet Anda').waitFor();
  await oneTabIsLeft(page);
  await page.context().setOffline(false);
  await confirmed(page, token);
  assert.equal((await upgrades(token)).length, 1);
});

test('error 401: the new tab is closed and the login says why', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page, customer } = await visitor(open, current, { at: previewAt(target) });
  await expireSessions(customer.id);
  await page.getByRole('button', { name: CONFIRM }).click();
  await page.waitForURL((url) => url.pathname === '/customer/login');
  await page.getByText('Sesi berakhir, silakan masuk lagi').waitFor();
  await oneTabIsLeft(page);
});

test('the tab in English', async ({ t, open }) => {
  const [current, target] = await shop(t, BIGGER);
  const { page } = await visitor(open, current, { lang: 'en' });
  await card(page, current).getByText('Your package').waitFor();
  assert.ok((await card(page, target).innerText()).includes('/ month'));
  await card(page, target).getByRole('link', { name: `Choose ${target.name}` }).click();
  const text = await tab(page).innerText();
  for (const part of ['Confirm the package', 'To pay', 'You pay Rp300.000 for 1 month of Kantor 100 Mbps, starting with your payment.', 'Kantor 100 Mbps is active until']) assert.ok(text.includes(part), `${part} in ${text}`);
  assert.doesNotMatch(text, /\b(paket|hari|bulan|bayar|sampai)\b/i);
  await lunas('packages', 'change', target.id, '--price', '325000');
  await page.getByRole('button', { name: 'Confirm and pay' }).click();
  await page.getByRole('alert').getByText('The amount has changed, please check it again').waitFor();
  await retirePackage(target.id);
  await page.getByRole('button', { name: 'Confirm and pay' }).click();
  await tab(page).getByText('The package is not sold any more').waitFor();
  await page.goto(TAB);
  await tab(page).getByText('No other package is available').waitFor();
});
