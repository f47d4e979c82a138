// For everybody, on any phone, over a slow line.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import path from 'node:path';

import { PHONE, askForCode, axe, enterCode, newTab, overflowing, payButton, paymentPage, row, test, useBrowser } from './page.mjs';
import { household, visitAll } from './pages.mjs';
import { STATE, codeFor, creations, demo, eventually, fault, newCustomer, newModem, newSession, noFaults, send, simulate, site } from './stack.mjs';

useBrowser();

const FIRST_VISIT_BYTES = 60_000;

for (const lang of ['id', 'en']) {
  test(`axe on every page, light and dark: ${lang}`, async ({ t, open }) => {
    await visitAll(open, await household(), { lang }, (name, page) =>
      t.test(name, async () => {
        assert.equal(await page.locator('html').getAttribute('lang'), lang);
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(await axe(page), [], colorScheme);
        }
        await page.emulateMedia({ colorScheme: 'light' });
      }),
    );
  });
}

test('screenshots at 360×740 as artefacts', async ({ open }) => {
  const folder = path.join(STATE, 'screenshots');
  await mkdir(folder, { recursive: true });
  await visitAll(open, await household(), { viewport: PHONE, deviceScaleFactor: 2 }, async (name, page) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: path.join(folder, `${name}-${colorScheme}.png`), fullPage: true });
    }
  });
});

test('dark mode is dark, light mode light', async ({ open }) => {
  const page = await open({ at: '/customer/login' });
  const brightness = async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const numbers = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g)?.slice(0, 3).map(Number) ?? []);
    return numbers.reduce((sum, each) => sum + each, 0) / 3;
  };
  assert.ok((await brightness('light')) > 200);
  assert.ok((await brightness('dark')) < 60);
});

test('usable at 320 px: nothing is wider than the window', async ({ t, open }) => {
  await visitAll(open, await household(), { viewport: { width: 320, height: 640 } }, (name, page) =>
    t.test(name, async () => assert.deepEqual(await overflowing(page), [])),
  );
});

test('usable with text at 200 %: nothing is cut off', async ({ t, open }) => {
  await visitAll(open, await household(), {}, (name, page) =>
    t.test(name, async () => {
      await page.evaluate(() => {
        document.documentElement.style.fontSize = '200%';
      });
      assert.deepEqual(await overflowing(page), []);
    }),
  );
});

test('no layout shift, also when the device panel is filled', async ({ open }) => {
  const page = await open({ customer: await newCustomer(await newModem()) });
  for (const address of ['/customer', '/customer/wifi?tab=status', '/customer/wifi?tab=upgrade', '/customer/history', '/customer/login']) {
    await Promise.all([page.goto(address), ...(/upgrade|history|login/.test(address) ? [] : [page.waitForResponse('**/api/customer/device')])]);
    await page.waitForLoadState('networkidle');
    assert.deepEqual(await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(window.lunasShifts))))), [], address);
  }
});

/** Presses Tab until the selected element has the focus. */
async function tabTo(page, selector, limit = 40) {
  for (let pressed = 0; pressed <= limit; pressed++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab never reaches ${selector}`);
}

test('keyboard only', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open({ at: '/customer/login' });
  await tabTo(page, '#phone-form input[name=phone]');
  await page.keyboard.type(customer.phone);
  await page.keyboard.press('Enter');
  await page.locator('#code-form').waitFor();
  const code = await codeFor(customer.phone);
  await tabTo(page, '#code-form input[name=code]');
  await page.keyboard.type(code);
  await page.keyboard.press('Enter');
  await row(page, customer.invoice).waitFor();
  await page.waitForLoadState('networkidle');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), '#main', 'first of all, a link past the navigation');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(() => document.querySelector('#main').contains(document.activeElement)));
  await tabTo(page, `#invoice-${customer.invoice.id} form[data-pay] button[type=submit]`);
  const tab = await newTab(page, () => page.keyboard.press('Enter'));
  await tab.waitForURL(`${demo.sandbox.midtrans}/**`);
  await payButton(page, customer.invoice, 'Bayar Sekarang').waitFor();
  assert.ok(await page.evaluate((id) => document.getElementById(id).contains(document.activeElement), `invoice-${customer.invoice.id}`), 'the focus stays where it was');
});

test('keyboard only: another package', async ({ open }) => {
  const page = await open({ customer: await newCustomer({ due: null }), at: '/customer' });
  await tabTo(page, '#account a[href$="tab=upgrade"]');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/customer/wifi?tab=upgrade');
  await tabTo(page, '[data-package=turbo50] a');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/*package=turbo50');
  await tabTo(page, 'form[data-upgrade] button');
  const tab = await newTab(page, () => page.keyboard.press('Enter'));
  await tab.waitForURL(`${demo.sandbox.midtrans}/**`);
  await page.locator('[data-invoice]').getByText('Turbo 50 Mbps').waitFor();
});

test('focus goes through the page in its order, and is seen', async ({ open }) => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open({ customer: await newCustomer(), colorScheme, at: '/customer' });
    await page.waitForLoadState('networkidle');
    const expected = await page.evaluate(() => {
      const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), summary, [tabindex="0"]')];
      return all.filter((each) => each.checkVisibility() && !each.disabled).map((each) => each.outerHTML);
    });
    const seen = [];
    for (let pressed = 0; pressed < expected.length; pressed++) {
      await page.keyboard.press('Tab');
      const { html, visible } = await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return { html: document.activeElement.outerHTML, visible: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
      });
      seen.push(html);
      assert.ok(visible, `the focus is not seen on ${html}`);
    }
    assert.deepEqual(seen, expected);
  }
});

test('no JavaScript: read and pay', async ({ open }) => {
  const customer = await newCustomer();
  const page = await open({ javaScriptEnabled: false });
  await enterCode(page, await askForCode(page, customer.phone));
  await row(page, customer.invoice).getByText('Rp225.000').first().waitFor();
  await page.locator('#device').getByText('Status PPPoE').waitFor();
  const tab = await paymentPage(page, payButton(page, customer.invoice, 'Generate Link Pembayaran'));
  assert.ok(tab.url().startsWith(demo.sandbox.midtrans));
  await simulate(tab.url(), { webhook: false });
  await page.reload();
  await payButton(page, customer.invoice, 'Bayar Sekarang').waitFor();
  await page.goto(`/customer/finish/${customer.invoice.id}`);
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Periksa pembayaran' }).click()]);
  assert.equal(new URL(page.url()).pathname, `/customer/finish/${customer.invoice.id}`);
  await page.locator('.badge').getByText(/Lunas|Dibayar – mengaktifkan…/).waitFor();
  await page.goto('/customer/history');
  await page.locator('#payments').getByText('Rp225.000').first().waitFor();
  await page.getByRole('button', { name: 'Keluar' }).click();
  await page.locator('#phone-form').waitFor();
});

test('no JavaScript: the other gateway, and an error with a retry', async ({ t, open }) => {
  const customer = await newCustomer();
  const page = await open({ customer, javaScriptEnabled: false, at: '/customer' });
  await fault(t, 'xendit.create', '500', { times: 5 });
  await row(page, customer.invoice).getByText('Metode lain').click();
  const tab = await newTab(page, () => row(page, customer.invoice).getByRole('button', { name: 'Xendit' }).click());
  await tab.getByText('Gagal generate payment link, coba lagi').waitFor();
  await noFaults();
  await tab.locator('main form button[type=submit]').first().click();
  await tab.getByRole('button', { name: 'Pay', exact: true }).waitFor();
  assert.ok((await creations(customer.invoice.invoiceNumber)).length > 1);
});

/** A line to the stack that counts what comes down, and can be cut. */
async function line() {
  const target = new URL(site);
  const open = new Set();
  const counted = { down: 0 };
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    far.on('data', (chunk) => (counted.down += chunk.length));
    for (const [from, to] of [[near, far], [far, near]]) {
      open.add(from);
      from.on('error', () => to.destroy()).on('close', () => (open.delete(from), to.destroy()));
      from.pipe(to);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { address: `http://127.0.0.1:${server.address().port}`, counted, cut };
}

/** The service worker has stored what it stores. */
const workerIsThere = (page) =>
  eventually('the service worker is active', () => page.evaluate(async () => Boolean((await navigator.serviceWorker.getRegistration('/customer'))?.active)));

test('login page and dashboard each come down in 60 KB on a first visit', async ({ t, open }) => {
  const customer = await newCustomer();
  const token = await newSession(customer);
  for (const address of ['/customer/login', '/customer']) {
    const { address: origin, counted, cut } = await line();
    t.after(cut);
    const page = await open(address === '/customer' ? { token } : {});
    await page.goto(origin + address);
    await page.waitForLoadState('networkidle');
    if (address === '/customer') await workerIsThere(page);
    t.diagnostic(`${address}: ${counted.down} bytes with headers and all assets`);
    assert.ok(counted.down > 1_000 && counted.down <= FIRST_VISIT_BYTES, `${address}: ${counted.down} bytes`);
  }
});

/** Addresses of assets that a page names. */
const assetsOf = (html) => [...new Set([...html.matchAll(/(?:src|href)="(\/assets\/[^"#]+)/g)].map(([, address]) => address))];

test('assets have hashed names, are immutable and compressed', async () => {
  const { text } = await send('GET', '/customer/login');
  const assets = assetsOf(text);
  for (const kind of ['css', 'js']) assert.ok(assets.some((each) => each.endsWith(`.${kind}`)), `${kind} in ${assets}`);
  for (const asset of assets) {
    assert.match(asset, /^\/assets\/[a-z0-9-]+\.[0-9a-zA-Z_-]{8,}\.[a-z0-9]+$/);
    const answer = await send('GET', asset, { headers: { 'accept-encoding': 'gzip, deflate, br' } });
    assert.equal(answer.status, 200, asset);
    assert.match(answer.headers['cache-control'], /public.*max-age=31536000.*immutable/);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(answer.headers['set-cookie'], undefined);
    if (/\.(css|js|svg)$/.test(asset)) assert.match(answer.headers['content-encoding'] ?? '', /^(br|gzip)$/, asset);
    const plain = await send('GET', asset, { headers: { 'accept-encoding': 'identity' } });
    if (plain.headers['content-encoding']) assert.match(plain.headers.vary ?? '', /accept-encoding/i);
    assert.equal((await send('GET', asset.replace(/\.[^.]+\.([a-z0-9]+)$/, '.0000000000000000.$1'))).status, 404, 'another hash');
  }
  assert.equal((await send('GET', '/customer/login')).headers['cache-control'], 'no-store');
});

test('manifest and icon', async () => {
  const { text } = await send('GET', '/customer/login');
  const [, address] = text.match(/<link rel="manifest" href="([^"]+)"/);
  assert.equal(new URL(address, site).pathname, '/customer/manifest.webmanifest');
  const manifest = (await send('GET', address)).json;
  assert.ok(manifest.name && manifest.start_url && manifest.icons.length > 0);
  for (const icon of manifest.icons) assert.equal((await send('GET', icon.src)).status, 200, icon.src);
  assert.match(text, /<link rel="icon"/);
});

test('without a network the offline page comes, and nothing personal was kept', async ({ open }) => {
  const customer = await newCustomer();
  const token = await newSession(customer);
  const { address, cut } = await line();
  const page = await open({ token });
  await page.goto(`${address}/customer`);
  await workerIsThere(page);
  const kept = await page.evaluate(async () => {
    const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
    const requests = (await Promise.all(caches_.map((cache) => cache.keys()))).flat();
    return Promise.all(requests.map(async (request) => [new URL(request.url).pathname, await (await caches.match(request)).text()]));
  });
  for (const [pathname, text] of kept) {
    assert.match(pathname, /^\/(assets\/|customer\/offline$)/);
    for (const personal of [customer.name, customer.phone, customer.username, customer.invoice.invoiceNumber]) assert.ok(!text.includes(personal), pathname);
  }
  await page.goto(`${address}/customer/history`);
  const online = await page.title();
  cut();
  await page.goto(`${address}/customer`);
  assert.notEqual(await page.title(), online);
  await page.getByText(/offline|internet/i).first().waitFor();
});
