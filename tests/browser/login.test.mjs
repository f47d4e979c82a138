// In, out, and what is said on the way.

import assert from 'node:assert/strict';

import { askForCode, enterCode, payButton, newTab, row, test, useBrowser } from './page.mjs';
import { codeFor, codes, eventually, expireSessions, newCustomer, newPhone, newSession, secretDuring, send, site } from './stack.mjs';

useBrowser();

const ENDED = 'Sesi berakhir, silakan masuk lagi';
const wrong = (code) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');
const isAt = (page, path) => page.waitForURL((url) => url.pathname === path);

test('phone, code, Enter: in', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open({ at: '/customer/login' });
  const phone = page.locator('#phone-form input[name=phone]');
  for (const [name, value] of [['type', 'tel'], ['autocomplete', 'tel'], ['inputmode', 'tel']]) assert.equal(await phone.getAttribute(name), value);
  // As people write it.
  await phone.fill(`0${customer.phone.slice(2, 5)}-${customer.phone.slice(5, 9)}-${customer.phone.slice(9)}`);
  await page.getByRole('button', { name: 'Kirim Kode' }).click();
  const code = page.locator('#code-form input[name=code]');
  for (const [name, value] of [['autocomplete', 'one-time-code'], ['inputmode', 'numeric'], ['maxlength', '6']]) assert.equal(await code.getAttribute(name), value);
  await page.getByRole('button', { name: 'Masuk', exact: true }).waitFor();
  await code.fill(await codeFor(customer.phone));
  await code.press('Enter');
  await isAt(page, '/customer');
  await page.locator('#account').getByText(customer.name).waitFor();
  const session = (await page.context().cookies()).find((cookie) => cookie.name === 'session');
  assert.deepEqual({ httpOnly: session.httpOnly, sameSite: session.sameSite, path: session.path }, { httpOnly: true, sameSite: 'Lax', path: '/' });
  assert.ok(session.expires * 1000 > Date.now() + 86_400_000, 'the session outlives the browser');
});

test('who is logged in and opens the login again is not told that the session ended', async ({ open }) => {
  const page = await open({ customer: await newCustomer(), at: '/customer' });
  await page.waitForLoadState('networkidle');
  await page.goto('/customer/login');
  await page.waitForLoadState('networkidle');
  assert.equal(await page.getByText(ENDED).count(), 0);
  await page.goto('/customer');
  assert.equal(new URL(page.url()).pathname, '/customer');
});

test('without a session every page leads to the login', async ({ open }) => {
  const page = await open();
  for (const path of ['/customer', '/customer/invoices', '/customer/history', '/customer/wifi?tab=status', '/customer/finish', '/customer/pay/inv_x']) {
    await page.goto(path);
    assert.equal(new URL(page.url()).pathname, '/customer/login', path);
  }
});

test('a wrong code is told, and the right one still works', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open();
  const code = await askForCode(page, customer.phone);
  await enterCode(page, wrong(code));
  await page.getByRole('alert').getByText('Kode salah').waitFor();
  await enterCode(page, code);
  await isAt(page, '/customer');
});

test('too many tries are told', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open();
  const code = await askForCode(page, customer.phone);
  for (let tried = 0; tried < 5; tried++) {
    await Promise.all([page.waitForNavigation(), enterCode(page, wrong(code))]);
  }
  await enterCode(page, code);
  await page.getByRole('alert').getByText('Terlalu banyak percobaan, coba lagi nanti').waitFor();
  assert.equal(new URL(page.url()).pathname, '/customer/login');
});

test('a code that is no longer valid is told', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open();
  const code = await askForCode(page, customer.phone);
  const used = await send('POST', '/api/customer/login', { json: { phone: customer.phone, code } });
  assert.equal(used.status, 200);
  await enterCode(page, code);
  await page.getByRole('alert').getByText('Kode sudah kedaluwarsa, minta kode baru').waitFor();
});

test('tapped again at once, one message is sent and the form for the code stays', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open();
  const code = await askForCode(page, customer.phone);
  const again = page.getByRole('button', { name: 'Kirim ulang kode' });
  for (let taps = 0; taps < 2; taps++) {
    await Promise.all([page.waitForNavigation(), again.click()]);
    await page.locator('#code-form').waitFor();
  }
  assert.equal((await codes(customer.phone)).length, 1);
  await enterCode(page, code);
  await isAt(page, '/customer');
});

test('a double tap on "Masuk" without a script lands in the account', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open({ javaScriptEnabled: false });
  const code = await askForCode(page, customer.phone);
  // The answer to the first tap is one that the browser gives up for the second, with the session's cookie.
  const csrf = await page.locator('#code-form input[name=csrf]').inputValue();
  const cookies = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const form = new URLSearchParams({ csrf, phone: customer.phone, code });
  const first = await fetch(`${site}/customer/login`, { method: 'POST', redirect: 'manual', headers: { Origin: site, Cookie: cookies }, body: form });
  assert.deepEqual([first.status, first.headers.get('location')], [303, '/customer']);
  await enterCode(page, code);
  await isAt(page, '/customer');
  await page.locator('#account').getByText(customer.name).waitFor();
});

test('a number that is none is told, and "Ganti nomor" leads back', async ({ open }) => {
  const page = await open({ at: '/customer/login' });
  await page.locator('#phone-form input[name=phone]').fill('021-555');
  await page.getByRole('button', { name: 'Kirim Kode' }).click();
  await page.getByRole('alert').getByText('Nomor HP tidak valid, tulis seperti 0812-3456-7890').waitFor();
  await page.locator('#phone-form input[name=phone]').fill(newPhone());
  await page.getByRole('button', { name: 'Kirim Kode' }).click();
  await page.locator('#code-form').waitFor();
  await page.getByRole('link', { name: 'Ganti nomor' }).click();
  await page.locator('#phone-form').waitFor();
});

test('an unknown number is treated like a known one', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open();
  const shown = async (phone) => {
    await page.goto('/customer/login');
    await page.locator('#phone-form input[name=phone]').fill(phone);
    await page.getByRole('button', { name: 'Kirim Kode' }).click();
    await page.locator('#code-form').waitFor();
    const text = await page.locator('main').innerText();
    return text.replace(/[+\d][\d\s-]{6,}/g, 'PHONE');
  };
  assert.equal(await shown(newPhone()), await shown(customer.phone));
});

test('without a way to send messages the login says so', async ({ t, open }) => {
  await secretDuring(t, 'whatsapp', 'provider', '', ['CustomerPortal', 'CustomerSession']);
  const page = await open({ at: '/customer/login' });
  await page.locator('#phone-form input[name=phone]').fill(newPhone());
  await page.getByRole('button', { name: 'Kirim Kode' }).click();
  await page.getByRole('alert').getByText('Pengiriman kode belum dikonfigurasi').waitFor();
});

test('several lines under one phone: one button per line', async ({ open }) => {
  const phone = newPhone();
  const home = await newCustomer({ name: 'Maya Sari (rumah)', phone });
  const shop = await newCustomer({ name: 'Maya Sari (warung)', phone });
  const page = await open();
  await enterCode(page, await askForCode(page, phone));
  const lines = page.locator('#line-form button[name=customerId]');
  await lines.nth(1).waitFor();
  assert.equal(await lines.count(), 2);
  for (const line of [home, shop]) {
    const text = await page.locator(`#line-form button[value="${line.id}"]`).innerText();
    assert.ok(text.includes(line.name) && text.includes(line.username), text);
  }
  await page.locator(`#line-form button[value="${shop.id}"]`).click();
  await isAt(page, '/customer');
  await page.locator('#account').getByText(shop.username).waitFor();
  assert.equal(await row(page, shop.invoice).count(), 1);
  assert.equal(await row(page, home.invoice).count(), 0, 'the other line has its own bills');
});

test('expired session → login', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open({ customer, at: '/customer' });
  await payButton(page, customer.invoice).waitFor();
  await page.waitForLoadState('networkidle');
  await expireSessions(customer.id);
  const tab = await newTab(page, () => payButton(page, customer.invoice).click());
  await isAt(page, '/customer/login');
  await page.getByText(ENDED).waitFor();
  await eventually('the new tab is closed again', () => tab.isClosed());
  for (const path of ['/customer', '/customer/history']) {
    await page.goto(path);
    assert.equal(new URL(page.url()).pathname, '/customer/login', path);
    await page.getByText(ENDED).waitFor();
  }
});

test('log out ends the session, not only the cookie', async ({ open }) => {
  const customer = await newCustomer();
  const token = await newSession(customer);
  const page = await open({ token, at: '/customer' });
  await page.getByRole('button', { name: 'Keluar' }).click();
  await isAt(page, '/customer/login');
  await page.waitForLoadState('networkidle');
  assert.equal(await page.getByText(ENDED).count(), 0, 'nothing ended by itself');
  assert.deepEqual((await page.context().cookies()).filter((cookie) => cookie.name === 'session' && cookie.value === token), []);
  assert.equal((await send('GET', '/api/customer/me', { token })).status, 401);
  await page.goto('/customer');
  await isAt(page, '/customer/login');
});

test('English by a switch that is remembered', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open({ customer, at: '/customer/history' });
  const language = () => page.locator('html').getAttribute('lang');
  assert.equal(await language(), 'id', 'whatever the browser prefers');
  await page.getByRole('link', { name: 'English' }).click();
  await page.locator('html[lang=en]').waitFor();
  assert.equal(new URL(page.url()).pathname, '/customer/history', 'the same page');
  const cookie = (await page.context().cookies(site)).find((each) => each.name === 'lang');
  assert.equal(cookie.value, 'en');
  assert.ok(cookie.expires * 1000 > Date.now() + 360 * 86_400_000, 'for a year');
  await page.goto('/customer');
  assert.equal(await language(), 'en');
  await page.goto('/customer/login?ended');
  await page.goto('/customer');
  await page.getByRole('link', { name: 'Bahasa Indonesia' }).click();
  await page.locator('html[lang=id]').waitFor();
});
