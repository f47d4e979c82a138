// What a customer reads: account, device, bills, history.

import assert from 'node:assert/strict';

import { row, test, useBrowser } from './page.mjs';
import { applied, cancelInvoice, day, demo, me, newCustomer, newInvoice, newLink, newModem, newSession, simulate } from './stack.mjs';

useBrowser();

const WHAT_A_DEVICE_SAYS = { status: 'Status ONT', pppoe: 'Status PPPoE', ip: 'IP PPPoE', rx: 'RX Power', temperature: 'Temperature', uptime: 'Uptime', connected: 'Connected Devices' };
const BADGES = { paid: ['Lunas', 'green'], unpaid: ['Belum Bayar', 'yellow'], overdue: ['Terlambat', 'red'], cancelled: ['Dibatalkan', 'grey'] };
const PAY = /Bayar Sekarang|Generate Link Pembayaran/;

async function paidCustomer(options) {
  const customer = await newCustomer(options);
  customer.token = await newSession(customer);
  const before = await me(customer.token);
  await simulate(await newLink(customer.token, customer.invoice.id));
  await applied(customer.token, customer.invoice.id, before);
  return customer;
}

test('the account: who, which package, until when', async ({ open }) => {
  const customer = await newCustomer({ name: 'Putri Handayani', expiresIn: 5 });
  const page = await open({ customer, at: '/customer' });
  const account = page.locator('#account');
  await account.getByRole('heading', { name: 'Informasi Akun' }).waitFor();
  const text = await account.innerText();
  for (const part of [customer.name, customer.username, 'Keluarga 20 Mbps', '20/10 Mbps', 'Aktif']) assert.ok(text.includes(part), `${part} in ${text}`);
  assert.ok(text.replace(/\D/g, '').includes(customer.phone.slice(2)), 'the phone');
  assert.match(text, /\b5 hari\b/);
  assert.ok(text.includes(day(5).slice(0, 4)) && new RegExp(`\\b0?${Number(day(5).slice(8))}\\b`).test(text), `the day ${day(5)} in ${text}`);
});

test('an expired customer reads "Expired"', async ({ open }) => {
  const page = await open({ customer: await newCustomer({ expiresIn: -4 }), at: '/customer' });
  await page.locator('#account').getByText('Expired').first().waitFor();
  assert.equal(await page.locator('#account').getByText('Aktif', { exact: true }).count(), 0);
});

test('credit is shown if there is any, else not', async ({ open }) => {
  const customer = await newCustomer();
  customer.token = await newSession(customer);
  const page = await open({ token: customer.token, at: '/customer' });
  const account = page.locator('#account');
  assert.doesNotMatch(await account.innerText(), /Rp0|kredit|saldo/i);
  const before = await me(customer.token);
  await simulate(await newLink(customer.token, customer.invoice.id), { amount: customer.invoice.amount + 50_000 });
  await applied(customer.token, customer.invoice.id, before);
  await page.reload();
  await account.getByText('Rp50.000').waitFor();
});

test('PPPoE status shows correctly or says why not', async ({ open }) => {
  const states = [
    [await newModem(), 'Online', 'Connected'],
    [await newModem('disconnected'), 'Online', 'Disconnected'],
    [await newModem('offline'), 'Offline (terakhir terlihat 3 jam lalu)', 'Disconnected (data dari 3 jam lalu)'],
    [{}, 'Belum tersedia', 'Belum tersedia'],
  ];
  for (const [modem, status, pppoe] of states) {
    const page = await open({ customer: await newCustomer(modem) });
    for (const path of ['/customer', '/customer/wifi?tab=status']) {
      const [answer] = await Promise.all([page.waitForResponse('**/api/customer/device'), page.goto(path)]);
      const device = page.locator('#device');
      for (const label of Object.values(WHAT_A_DEVICE_SAYS)) assert.equal(await device.getByText(label, { exact: true }).count(), 1, label);
      await device.locator('dd[data-device=status]').getByText(status, { exact: true }).waitFor();
      await device.locator('dd[data-device=pppoe]').getByText(pppoe, { exact: true }).waitFor();
      if (!modem.deviceId) await device.getByText((await answer.json()).error).waitFor();
    }
  }
});

test('invoice list right for paid, unpaid, overdue', async ({ open }) => {
  const customer = await paidCustomer({ due: 3 });
  const cancelled = await newInvoice(customer.id, 20);
  await cancelInvoice(cancelled.invoiceNumber);
  const unpaid = await newInvoice(customer.id, 34);
  const late = await newCustomer({ due: -3 });
  const today = await newCustomer({ due: 0 });
  const page = await open({ token: customer.token, at: '/customer' });
  const latePage = await open({ customer: late, at: '/customer' });
  const todayPage = await open({ customer: today, at: '/customer' });
  for (const [tab, invoice, state] of [[page, customer.invoice, 'paid'], [page, cancelled, 'cancelled'], [page, unpaid, 'unpaid'], [latePage, late.invoice, 'overdue'], [todayPage, today.invoice, 'unpaid']]) {
    const line = row(tab, invoice);
    const [label, colour] = BADGES[state];
    assert.equal(await line.getAttribute('data-state'), state, invoice.invoiceNumber);
    assert.equal(await line.getAttribute('id'), `invoice-${invoice.id}`);
    assert.equal((await line.locator('.badge').innerText()).trim(), label);
    assert.ok((await line.locator('.badge').getAttribute('class')).split(' ').includes(colour));
    const text = await line.innerText();
    assert.ok(text.includes(invoice.invoiceNumber) && text.includes('Rp225.000'), text);
    assert.ok(text.includes(invoice.dueDate.slice(0, 4)) && new RegExp(`\\b0?${Number(invoice.dueDate.slice(8))}\\b`).test(text), `the day ${invoice.dueDate} in ${text}`);
  }
  const order = await page.locator('[data-invoice]').evaluateAll((rows) => rows.map((each) => each.dataset.invoice));
  assert.deepEqual(order, [unpaid, cancelled, customer.invoice].map((each) => each.invoiceNumber), 'newest first');
});

test('the badges are green, yellow and red', async ({ open }) => {
  const customer = await paidCustomer();
  await newInvoice(customer.id, 34);
  const late = await newCustomer({ due: -3 });
  for (const colorScheme of ['light', 'dark']) {
    const seen = {};
    for (const options of [{ token: customer.token }, { customer: late }]) {
      const page = await open({ ...options, colorScheme, at: '/customer' });
      for (const badge of await page.locator('#bills .badge').all()) seen[(await badge.innerText()).trim()] = await badge.evaluate(hues);
    }
    const near = (label, hue) => assert.ok(seen[label].some((each) => Math.abs(((each - hue + 540) % 360) - 180) < 30), `${label} in ${colorScheme}: hues ${seen[label]}, wanted ${hue}`);
    near('Lunas', 140);
    near('Belum Bayar', 45);
    near('Terlambat', 5);
  }
});

/** The hues (degrees) of an element's text, ground and edge, as far as they have a colour. Runs in the page. */
function hues(element) {
  const style = getComputedStyle(element);
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  return [style.color, style.backgroundColor, style.borderTopColor].flatMap((colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    const [high, low] = [Math.max(red, green, blue), Math.min(red, green, blue)];
    const span = high - low;
    if (!alpha || span < 16) return [];
    const turn = high === red ? ((green - blue) / span + 6) % 6 : high === green ? (blue - red) / span + 2 : (red - green) / span + 4;
    return [Math.round(turn * 60)];
  });
}

test('payment buttons only on unpaid', async ({ open }) => {
  const customer = await paidCustomer();
  const cancelled = await newInvoice(customer.id);
  await cancelInvoice(cancelled.invoiceNumber);
  const unpaid = await newInvoice(customer.id);
  const page = await open({ token: customer.token, at: '/customer' });
  for (const [invoice, count] of [[unpaid, 1], [cancelled, 0], [customer.invoice, 0]]) {
    assert.equal(await row(page, invoice).getByRole('button', { name: PAY }).count(), count, invoice.invoiceNumber);
    assert.equal(await row(page, invoice).locator('form').count() > 0, count === 1, invoice.invoiceNumber);
  }
});

test('"Bayar Sekarang" if a link is stored, "Generate Link Pembayaran" if not', async ({ open }) => {
  const customer = await newCustomer();
  const token = await newSession(customer);
  const page = await open({ token, at: '/customer' });
  const label = async () => (await row(page, customer.invoice).getByRole('button', { name: PAY }).innerText()).trim();
  assert.equal(await label(), 'Generate Link Pembayaran');
  await newLink(token, customer.invoice.id);
  await page.reload();
  assert.equal(await label(), 'Bayar Sekarang');
});

test('a part-payment shows what is left', async ({ open }) => {
  const customer = await newCustomer();
  const token = await newSession(customer);
  await simulate(await newLink(token, customer.invoice.id), { amount: 125_000 });
  const page = await open({ token, at: '/customer' });
  const text = await row(page, customer.invoice).innerText();
  assert.ok(text.includes('Rp225.000') && text.includes('Sisa Rp100.000'), text);
  assert.equal(await row(page, customer.invoice).getByRole('button', { name: PAY }).count(), 1);
});

test('"Ganti Paket" leads to the tab', async ({ open }) => {
  const page = await open({ customer: await newCustomer(), at: '/customer' });
  await page.getByRole('link', { name: 'Ganti Paket' }).click();
  await page.waitForURL('**/customer/wifi?tab=upgrade');
  const current = page.locator('main a[href$="tab=upgrade"]');
  assert.ok((await current.getAttribute('aria-current')) ?? (await current.getAttribute('aria-selected')), 'the tab says that it is the open one');
});

test('older invoices are reached page by page, each once', async ({ open }) => {
  const customer = await newCustomer({ due: null });
  const numbers = [];
  for (let issued = 0; issued < 23; issued++) {
    const { invoiceNumber } = await newInvoice(customer.id);
    numbers.unshift(invoiceNumber);
    if (issued < 22) await cancelInvoice(invoiceNumber);
  }
  const page = await open({ customer, at: '/customer' });
  const seen = [];
  const older = page.locator('main a[href^="/customer/invoices?cursor="]');
  for (let pages = 1; pages < 10; pages++) {
    seen.push(...(await page.locator('[data-invoice]').evaluateAll((rows) => rows.map((each) => each.dataset.invoice))));
    if ((await older.count()) === 0) {
      assert.ok(pages > 1, 'there are so many that one page does not hold them');
      break;
    }
    const address = page.url();
    await older.first().click();
    await page.waitForURL((url) => url.href !== address);
  }
  assert.deepEqual(seen, numbers);
});

test('who owes nothing and has paid nothing is told so', async ({ open }) => {
  const page = await open({ customer: await newCustomer({ due: null }), at: '/customer' });
  await page.locator('#bills').getByText('Tidak ada tagihan').waitFor();
  await page.getByRole('link', { name: 'Riwayat' }).click();
  await page.getByText('Belum ada pembayaran').waitFor();
});

test('the history shows payments with method, amount and timeline, newest first', async ({ open }) => {
  const customer = await newCustomer();
  const token = await newSession(customer);
  const before = await me(token);
  await simulate(await newLink(token, customer.invoice.id), { channel: 'bni_va' });
  const between = await applied(token, customer.invoice.id, before);
  const second = await newInvoice(customer.id, 35);
  await simulate(await newLink(token, second.id, 'xendit'), { channel: 'OVO' });
  await applied(token, second.id, between);
  const page = await open({ token, at: '/customer/history' });
  const payments = page.locator('#payments > li.payment');
  assert.equal(await payments.count(), 2);
  for (const [index, parts] of [[second.invoiceNumber, 'Rp225.000', /OVO/i, /Xendit/], [customer.invoice.invoiceNumber, 'Rp225.000', /BNI/i, /Midtrans/]].entries()) {
    const text = await payments.nth(index).innerText();
    for (const part of parts) assert.ok(part instanceof RegExp ? part.test(text) : text.includes(part), `${part} in ${text}`);
    // Link made, paid, confirmed, service extended.
    assert.equal(await payments.nth(index).locator('ol.timeline > li').count(), 4, text);
  }
});

test('the people of the demo can log in and see their bills', async ({ open }) => {
  const budi = demo.customers.find((each) => each.id === 'c01');
  const page = await open({ customer: budi, at: '/customer' });
  await page.locator('#account').getByText(budi.name).waitFor();
  assert.equal(await page.locator('[data-invoice][data-state=unpaid]').count(), 1);
});
