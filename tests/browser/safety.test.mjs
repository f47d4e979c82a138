// What the portal does not do, whoever asks.

import assert from 'node:assert/strict';

import { disguise, payButton, newTab, said, test, useBrowser } from './page.mjs';
import { household, visitAll } from './pages.mjs';
import { creations, invoices, newCustomer, newPackage, newSession, retirePackage, send, site } from './stack.mjs';

useBrowser();

const ALWAYS = {
  'cache-control': 'no-store',
  'content-type': 'text/html; charset=utf-8',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

/** What the Content Security Policy has to say, directive by directive; nothing else may stand in it. */
const POLICY = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'"],
  'connect-src': ["'self'"],
  'manifest-src': ["'self'"],
  'worker-src': ["'self'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
  'base-uri': ["'none'"],
};

/** A session, its CSRF token as it stands in the page, and an unpaid bill. */
async function victim() {
  const customer = await newCustomer();
  const token = await newSession(customer);
  const html = (await send('GET', '/customer', { cookies: { session: token } })).text;
  const [, csrf] = html.match(/<meta name="csrf" content="([^"]+)"/);
  return { customer, token, csrf, invoice: customer.invoice, cookies: { session: token } };
}

const hasNoLink = async ({ token, invoice }) => {
  assert.equal((await creations(invoice.invoiceNumber)).length, 0, 'no order at a gateway');
  assert.equal((await invoices(token)).find((each) => each.id === invoice.id).paymentLink, null);
};

test('every page has the security headers, and no-store', async ({ t }) => {
  const { token, invoice } = await victim();
  const pages = ['/customer/login', '/customer', '/customer/history', '/customer/invoices', '/customer/wifi?tab=status', '/customer/finish', `/customer/finish/${invoice.id}`, `/customer/pay/${invoice.id}?error=link_failed`, '/customer/nothing-here', '/customer/offline'];
  for (const path of pages) {
    await t.test(path, async () => {
      const answer = await send('GET', path, { cookies: { session: token }, headers: { accept: 'text/html' } });
      if (answer.status >= 300 && answer.status < 400) return assert.equal(path, '/customer/login', 'only the login leads elsewhere');
      for (const [name, value] of Object.entries(ALWAYS)) assert.equal(answer.headers[name], value, name);
      const policy = Object.fromEntries((answer.headers['content-security-policy'] ?? '').split(';').map((part) => part.trim().split(/\s+/)).map(([name, ...values]) => [name, values]));
      assert.deepEqual(policy, POLICY);
      assert.doesNotMatch(answer.text, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:/i, 'nothing inline');
    });
  }
});

test('no CSP complaint in the console, and no other error', async ({ open }) => {
  const errors = [];
  const watched = new Set();
  await visitAll(open, await household(), {}, (name, page) => {
    if (watched.has(page)) return;
    watched.add(page);
    page.on('console', (message) => message.type() === 'error' && errors.push(`after ${name}: ${message.text()} ${message.location().url}`));
    return page.reload();
  });
  // Chromium itself writes a line for every answer that is not 2xx; those of the device panel, the login and a bill that is gone are meant.
  const unexpected = errors.filter((text) => !/the server responded with a status of (401|404|429|503)/.test(text) || !/\/api\/customer\/device|\/customer\/(login|pay)|\/p\/A{24}$/.test(text));
  assert.deepEqual(unexpected, []);
});

test('cookies: of this host only, out of reach of scripts, not sent by other sites', async () => {
  const { token, csrf, cookies } = await victim();
  const login = await send('GET', '/customer/login');
  const set = [login.headers['set-cookie'] ?? []].flat();
  assert.ok(set.length > 0, 'the login form has a CSRF token, so its visitor has a cookie');
  for (const line of set) {
    for (const part of [/; *Path=\/(;|$)/i, /; *HttpOnly/i, /; *SameSite=(Lax|Strict)/i]) assert.match(line, part);
    assert.doesNotMatch(line, /Domain=/i);
  }
  const out = await send('POST', '/customer/logout', { cookies, form: { csrf }, headers: { origin: site } });
  assert.equal(out.status, 303);
  assert.equal(out.headers.location, '/customer/login');
  assert.match([out.headers['set-cookie']].flat().join('\n'), /^session=; .*Max-Age=0/im);
  assert.equal((await send('GET', '/api/customer/me', { token })).status, 401);
});

test('a form without the token, with a wrong one, or from another site changes nothing', async ({ t }) => {
  const me = await victim();
  const other = await victim();
  const { csrf, cookies, invoice } = me;
  const own = { origin: site };
  const attempts = {
    'no token': { form: { invoiceId: invoice.id }, headers: own },
    'a wrong token': { form: { invoiceId: invoice.id, csrf: 'x'.repeat(csrf.length) }, headers: own },
    "another customer's token": { form: { invoiceId: invoice.id, csrf: other.csrf }, headers: own },
    'a foreign Origin': { form: { invoiceId: invoice.id, csrf }, headers: { origin: 'https://evil.example' } },
    'Origin null': { form: { invoiceId: invoice.id, csrf }, headers: { origin: 'null' } },
    'JSON without the header': { json: { invoiceId: invoice.id }, headers: own },
    'JSON with the header, foreign Origin': { json: { invoiceId: invoice.id }, headers: { origin: 'https://evil.example', 'x-csrf-token': csrf } },
    'text/plain': { form: { invoiceId: invoice.id, csrf }, headers: { ...own, 'content-type': 'text/plain' } },
  };
  for (const [name, request] of Object.entries(attempts)) {
    await t.test(name, async () => {
      for (const path of ['/api/customer/invoices/payment', `/api/customer/invoices/${invoice.id}/check`]) {
        const answer = await send('POST', path, { ...request, cookies });
        // A form is led to a page that says so, a script reads it from the status.
        const refused = answer.status === 303 ? /[?&]error=not_from_here$/.test(answer.headers.location) : answer.status >= 400 && answer.status < 500;
        assert.ok(refused, `${path}: ${answer.status} ${answer.headers.location ?? ''}`);
      }
      assert.ok((await send('POST', '/customer/logout', { ...request, cookies })).status >= 400);
      await hasNoLink(me);
    });
  }
  assert.equal((await send('GET', '/customer', { cookies })).status, 200, 'still logged in');
  const right = await send('POST', '/api/customer/invoices/payment', { form: { invoiceId: invoice.id, csrf }, headers: own, cookies });
  assert.deepEqual([right.status, right.headers.location], [303, `/customer/pay/${invoice.id}`]);
});

test('a login form without the token of its page is refused', async () => {
  const { customer } = await victim();
  for (const headers of [{ origin: site }, { origin: 'https://evil.example' }]) {
    const answer = await send('POST', '/customer/login', { form: { phone: customer.phone }, headers });
    assert.ok(answer.status >= 400 || !/id="code-form"/.test(answer.text), `${answer.status}`);
  }
});

test('a GET with the cookie only creates nothing', async () => {
  const me = await victim();
  await send('GET', `/api/customer/invoices/payment?invoiceId=${me.invoice.id}`, { cookies: me.cookies });
  await send('GET', `/customer/pay/${me.invoice.id}`, { cookies: me.cookies });
  await hasNoLink(me);
});

test("another customer's invoice id → not found", async ({ open }) => {
  const me = await victim();
  const other = await victim();
  const notFound = 'Invoice tidak ditemukan atau sudah dibayar';
  const page = await open({ token: me.token, at: '/customer' });
  await disguise(page, me.invoice, other.invoice.id);
  await newTab(page, () => payButton(page, me.invoice).click());
  await said(page, notFound);
  for (const path of [`/customer/pay/${other.invoice.id}`, `/customer/finish/${other.invoice.id}`, '/customer/pay/inv_nope']) {
    const answer = await send('GET', path, { cookies: me.cookies });
    assert.equal(answer.status, 404, path);
    for (const secret of [other.invoice.invoiceNumber, other.customer.name, other.customer.username]) assert.ok(me.customer.name === secret || !answer.text.includes(secret), path);
  }
  const check = await send('POST', `/api/customer/invoices/${other.invoice.id}/check`, { json: {}, cookies: me.cookies, headers: { origin: site, 'x-csrf-token': me.csrf } });
  assert.equal(check.status, 404);
  const form = await send('POST', '/api/customer/invoices/payment', { form: { invoiceId: other.invoice.id, csrf: me.csrf }, cookies: me.cookies, headers: { origin: site } });
  assert.ok(form.status === 404 || /error=invoice_not_found/.test(form.headers.location), `${form.status} ${form.headers.location}`);
  await hasNoLink(other);
});

test('the address of a page cannot lead anywhere else', async () => {
  const { cookies } = await victim();
  for (const path of ['/customer/login?ended&next=https://evil.example', '/customer?lang=%0d%0aSet-Cookie:x=y', '/customer?lang=<script>', '/customer/wifi?tab="><script>', '/customer/history?cursor=%00', '/customer//evil.example', '/assets/..%2f..%2fetc%2fpasswd']) {
    const answer = await send('GET', path, { cookies });
    assert.ok(answer.status < 500, `${path}: ${answer.status}`);
    assert.doesNotMatch(answer.headers.location ?? '/', /^(?:https?:)?\/\//, path);
    assert.doesNotMatch(answer.text, /<script>|(?:href|action|src|url=|content)="?(?:https?:)?\/\//, path);
    assert.equal([answer.headers['set-cookie'] ?? []].flat().some((line) => line.startsWith('x=')), false);
  }
});

const HOSTILE = '<img src=x onerror=alert(1)>"\'&lt;</dd></script><script>alert(2)</script>{{7*7}}';

test('hostile names and SSIDs are text', async ({ t, open }) => {
  const name = HOSTILE.slice(0, 100);
  const packageName = '</title><svg onload=alert(3)>';
  await newPackage('hostile', packageName, 150_000);
  // Else every customer of a lasting demo is offered it.
  t.after(() => retirePackage('hostile'));
  const username = `"><svg/onload=alert(4)>${Date.now().toString(36)}`;
  const customer = await newCustomer({ name, username, packageId: 'hostile' });
  const token = await newSession(customer);
  const page = await open({ token, at: '/customer' });
  const text = await page.locator('#account').innerText();
  for (const part of [name, username, packageName]) assert.ok(text.includes(part), `${part} in ${text}`);

  const at = '2026-11-20T02:00:00Z';
  const value = { value: 7, text: name, readAt: at, ageText: name };
  const device = {
    status: 'online', statusText: name, lastInform: at, manufacturer: name, model: name, serialNumber: name, stale: true, staleText: name,
    pppoe: { status: 'connected', text: name, username: name, ip: name, readAt: at, ipReadAt: at },
    rxPower: { dbm: -26.5, level: 'lemah', text: name, levelText: name, help: name, readAt: at, ageText: name },
    temperatureC: value, uptimeSeconds: value, connectedDevices: value,
    wifi: [{ ssid: name, enabled: true, text: 'Aktif', readAt: at }, { ssid: '<b>bold</b>', enabled: false, text: 'Mati', readAt: at }],
  };
  // Whatever a modem is called, and whatever stands between.
  await page.route('**/api/customer/device', (route) => route.fulfill({ json: { success: true, device } }));
  for (const path of ['/customer', '/customer/wifi?tab=status', '/customer/wifi?tab=upgrade', '/customer/history', `/customer/pay/${customer.invoice.id}?error=%3Cscript%3Ealert(5)%3C/script%3E`, `/customer/finish/${customer.invoice.id}`]) {
    await page.goto(path);
    await page.waitForLoadState('networkidle');
    if (path.endsWith('tab=status')) await page.locator('[data-device=ssids]').getByText(`${name} (Aktif) <b>bold</b> (Mati)`).waitFor();
    assert.deepEqual(await page.locator('main img, main b, main svg[onload], script:not([src]), [onerror], [onload]').evaluateAll((found) => found.map((each) => each.outerHTML)), [], path);
  }
});

test('the bare address leads to the dashboard', async () => {
  const answer = await send('GET', '/');
  assert.ok(answer.status >= 300 && answer.status < 400, `${answer.status}`);
  assert.equal(answer.headers.location, '/customer');
});
