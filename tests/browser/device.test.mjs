// Is my connection working? What the panels say of every kind of modem, and of an ACS that says nothing.

import assert from 'node:assert/strict';

import { axe, overflowing, payButton, row, said, test, useBrowser } from './page.mjs';
import { changeModem, demo, fault, newCustomer, newModem, newSession, noFaults, secretDuring, waitingTasks } from './stack.mjs';

useBrowser();

const GOOD = 'Sinyal optik bagus, tidak ada yang perlu dilakukan.';
const FULL = '/customer/wifi?tab=status';
const PAGES = ['/customer', FULL];
const NONE = 'Belum tersedia';
const QUEUED = 'diperbarui pada inform berikutnya';
const UNREACHABLE = 'Status modem sedang tidak dapat dibaca, coba lagi nanti';
const AGE = /^(baru saja|\d+ (menit|jam|hari) lalu)$/;
const WEAK = 'Sinyal optik melemah; pastikan kabel fiber tidak tertekuk atau terjepit, dan hubungi kami bila Internet terasa lambat.';
const BAD = 'Sinyal optik terlalu lemah; jangan mencabut kabel fiber, hubungi kami agar teknisi memeriksa jalurnya.';
const OFFLINE = 'Modem sedang offline, nilai ini dari sebelumnya; periksa listrik dan kabel fiber modem, lalu hubungi kami.';
/** The ACS is asked for no longer than 4 seconds; the rest is for a busy machine. A slow modem would hold the answer for 30. */
const PATIENCE_MS = 12_000;

const sessions = new Map();

/** A demo customer's session. One for all tests: login codes are rationed per phone. */
function sessionOf(id) {
  const customer = demo.customers.find((each) => each.id === id);
  if (!sessions.has(id)) sessions.set(id, newSession(customer));
  return sessions.get(id);
}

/** Leads a tab to a page; returns the answer about the modem once the panel shows it. */
async function look(page, address = FULL) {
  const [answer] = await Promise.all([page.waitForResponse('**/api/customer/device'), page.goto(address)]);
  await atRest(page);
  return answer;
}

const atRest = (page) => page.locator('#device:not([aria-busy])').waitFor();

/** What the panel says: `{status: …, note: …}`; ages apart, since they change. */
async function panel(page) {
  const seen = await page.locator('#device [data-device]').evaluateAll((places) =>
    places.map((place) => [place.dataset.device, [place.firstChild.textContent.trim(), place.querySelector('small')?.textContent]]),
  );
  const values = Object.fromEntries(seen.map(([name, [text]]) => [name, text]));
  const ages = Object.fromEntries(seen.flatMap(([name, [, age]]) => (age ? [[name, age]] : [])));
  return { values, ages, note: (await note(page).innerText()).trim() };
}

const note = (page) => page.locator('#device [data-device-note]');
const refreshButton = (page) => page.locator('#device').getByRole('button', { name: /Perbarui|Refresh/ });

/** Holds the answer about the modem until the returned function is called. */
async function hold(page, fulfil = (route) => route.continue()) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route('**/api/customer/device', async (route) => {
    await released;
    await fulfil(route);
  });
  return release;
}

const HUAWEI = 'Huawei Technologies Co., Ltd';
const FLEET = [
  {
    what: 'a well configured modem is online, in words for people', id: 'c01', note: GOOD,
    values: { status: 'Online', pppoe: 'Connected', ip: '10.10.1.21', rx: '-19,52 dBm (Baik)', temperature: '47 °C', uptime: '12 hari 6 jam', connected: '6 perangkat', model: `${HUAWEI} HG8245H`, serial: '4857544300000001', ssids: 'Rumah Budi (Aktif)\nRumah Budi 5G (Aktif)' },
  },
  {
    what: 'a modem with few virtual parameters: what it tells is shown, what it does not tell is not available', id: 'c02', note: GOOD,
    values: { status: 'Online', pppoe: 'Connected', ip: '10.10.1.22', rx: '-22,52 dBm (Baik)', temperature: NONE, uptime: '8 jam 46 menit', connected: '3 perangkat', model: 'ZTE F670L', serial: 'ZTEGC0000002', ssids: 'Siti (Aktif)\nSiti 5G (Mati)' },
  },
  {
    what: 'a modem behind NAT with a weak signal, and what to do about it', id: 'c03', note: WEAK,
    values: { status: 'Online', pppoe: 'Connected', ip: '10.10.1.23', rx: '-26,1 dBm (Lemah)', temperature: '47 °C', uptime: '12 hari 6 jam', connected: '6 perangkat', model: 'FiberHome HG6145F', serial: 'FHTT00000003', ssids: 'Agus (Aktif)\nAgus 5G (Aktif)' },
  },
  {
    what: 'a modem known by its serial number only, with an empty pppUsername, is disconnected whatever other names say', id: 'c06', note: GOOD,
    values: { status: 'Online', pppoe: 'Disconnected', ip: NONE, rx: '-21,3 dBm (Baik)', temperature: '47 °C', uptime: '12 hari 6 jam', connected: '6 perangkat', model: 'ALCL G-1425G-A', serial: 'ALCLB0000006', ssids: 'Rina (Aktif)\nRina 5G (Mati)' },
  },
  {
    what: 'a modem of the newer data model (TR-181)', id: 'c07', note: GOOD,
    values: { status: 'Online', pppoe: 'Disconnected', ip: NONE, rx: '-18,2 dBm (Baik)', temperature: '51 °C', uptime: '1 hari 1 jam', connected: '5 perangkat', model: 'TP-Link XX530v', serial: '2234567000007', ssids: 'Joko (Aktif)\nJoko 5G (Aktif)' },
  },
  {
    what: 'two lines under one phone: the house has its own modem', id: 'c08', note: GOOD,
    values: { status: 'Online', pppoe: 'Connected', ip: '10.10.1.28', rx: '-23,4 dBm (Baik)', temperature: NONE, uptime: NONE, connected: '8 perangkat', model: 'FiberHome HG6243C', serial: 'FHTT00000008', ssids: 'Maya (Aktif)\nMaya 5G (Aktif)' },
  },
  {
    what: 'two lines under one phone: the stall has its own modem', id: 'c09', note: GOOD,
    values: { status: 'Online', pppoe: 'Connected', ip: '10.10.1.29', rx: '-24,95 dBm (Baik)', temperature: '47 °C', uptime: '12 hari 6 jam', connected: '6 perangkat', model: `${HUAWEI} HG8245A`, serial: '4857544300000009', ssids: 'Warung Maya (Tidak diketahui)' },
  },
  {
    what: 'a swapped ONT: the new one is shown, not the old one on record', id: 'c10', note: GOOD,
    values: { status: 'Online', pppoe: 'Connected', ip: '10.10.1.31', rx: '-20,1 dBm (Baik)', temperature: '47 °C', uptime: '12 hari 6 jam', connected: '6 perangkat', model: `${HUAWEI} HG8245H5`, serial: '48575443000000A0', ssids: 'Andi (Tidak diketahui)' },
  },
  {
    what: 'a modem known by its tag only, with a bad signal', id: 'c11', note: BAD,
    values: { status: 'Online', pppoe: 'Disconnected (tidak dilaporkan modem)', ip: NONE, rx: '-28,54 dBm (Buruk)', temperature: '52 °C', uptime: '7 hari', connected: '3 perangkat', model: 'CMDC GM220-S', serial: 'CMDCA0000011', ssids: 'Wati (Aktif)\nWati 5G (Aktif)' },
  },
  {
    what: 'values as scripts write them: "-22.50 dBm", "48 C", "3d 04:12:10"', id: 'c12', note: GOOD,
    values: { status: 'Online', pppoe: 'Connected', ip: '10.10.1.32', rx: '-22,5 dBm (Baik)', temperature: '48 °C', uptime: '3 hari 4 jam', connected: '6 perangkat', model: 'FiberHome HG6145D2', serial: 'FHTT00000012', ssids: 'Eko (Tidak diketahui)' },
  },
];
const ONLY_IN_FULL = ['model', 'serial', 'ssids', 'contact'];

for (const { what, id, values: expected, note: expectedNote } of FLEET) {
  test(what, async ({ open }) => {
    const page = await open({ token: await sessionOf(id) });
    await look(page);
    const full = await panel(page);
    const { contact, ...values } = full.values;
    // Modems that tell their session in the long names do so once: after an hour of the stack its age stands beside it.
    values.pppoe = values.pppoe.replace(/ \(data dari \d+ (jam|hari) lalu\)$/, '');
    assert.deepEqual(values, expected);
    assert.match(contact, /\d{4}.*\d\d\.\d\d/);
    assert.equal(full.note, expectedNote);
    // What a modem does not tell has no age.
    const aged = ['pppoe', 'ip', 'rx', 'temperature', 'uptime', 'connected', 'ssids'].filter((name) => expected[name] !== NONE && !expected[name].includes('tidak dilaporkan'));
    assert.deepEqual(Object.keys(full.ages), aged, 'values that have an age show it');
    for (const [name, age] of Object.entries(full.ages)) assert.match(age, AGE, name);

    await look(page, '/customer');
    const short = await panel(page);
    short.values.pppoe = short.values.pppoe.replace(/ \(data dari \d+ (jam|hari) lalu\)$/, '');
    assert.deepEqual(short.values, Object.fromEntries(Object.entries(expected).filter(([name]) => !ONLY_IN_FULL.includes(name))));
    assert.deepEqual([short.note, short.ages], [expectedNote, {}]);
    for (const password of ['sandbox-ppp-password', 'sandbox-wifi-password']) assert.ok(!(await page.content()).includes(password));
  });
}

test('an offline modem never looks connected, and its values say how old they are', async ({ open }) => {
  await changeModem('dewi@lunas', 'offline');
  const page = await open({ token: await sessionOf('c04') });
  for (const address of PAGES) {
    await look(page, address);
    const { values, ages, note } = await panel(page);
    assert.deepEqual([values.status, values.pppoe, values.ip], ['Offline (terakhir terlihat 3 jam lalu)', 'Disconnected (data dari 3 jam lalu)', NONE]);
    assert.doesNotMatch(await page.locator('#device').innerText(), /\bConnected \(|Connected$|\bConnected\b(?! Devices)/m);
    assert.match(values.rx, /^-20,87 dBm/);
    if (address === FULL) for (const name of ['rx', 'temperature', 'uptime', 'connected']) assert.match(ages[name], /^\d+ jam lalu$/, name);
    assert.equal(note, OFFLINE, 'a good signal of hours ago is no reason to do nothing');
  }
});

test('a slow modem: a clear message in time, not half a minute of waiting', async ({ open }) => {
  const page = await open({ token: await sessionOf('c05') });
  for (const address of PAGES) {
    const begun = Date.now();
    const answer = await look(page, address);
    assert.ok(Date.now() - begun < PATIENCE_MS, `${address}: ${Date.now() - begun} ms`);
    assert.equal(answer.status(), 503);
    await nothingIsKnown(page, UNREACHABLE);
  }
});

async function nothingIsKnown(page, message) {
  const { values, note } = await panel(page);
  for (const [name, text] of Object.entries(values)) assert.equal(text, NONE, name);
  assert.equal(note, message);
  assert.ok(await refreshButton(page).isDisabled());
}

test('the rest of the page is usable while the modem is asked, and the panel fills by itself', async ({ open }) => {
  const customer = await newCustomer(await newModem());
  const page = await open({ customer });
  const release = await hold(page);
  await page.goto('/customer');
  await page.locator('#device[aria-busy=true]').waitFor();
  for (const text of Object.values((await panel(page)).values)) assert.equal(text, 'Memuat…');
  assert.ok(await page.locator('#device [data-refresh]').isDisabled());
  const bill = row(page, customer.invoice);
  await bill.getByText('Metode lain').click();
  await bill.getByRole('button', { name: 'Xendit' }).waitFor();
  assert.ok(await payButton(page, customer.invoice).isEnabled());
  assert.equal(await page.locator('#device').getAttribute('aria-busy'), 'true', 'still asked');
  release();
  await page.locator('[data-device=pppoe]').getByText('Connected', { exact: true }).waitFor();
  await atRest(page);
  assert.ok(await refreshButton(page).isEnabled());
});

test('a modem that nobody has registered', async ({ open }) => {
  const page = await open({ customer: await newCustomer() });
  for (const address of PAGES) {
    assert.equal((await look(page, address)).status(), 404);
    await nothingIsKnown(page, 'Modem Anda belum terdaftar di sistem kami, hubungi kami');
  }
});

for (const kind of ['500', 'garbage', 'timeout']) {
  test(`a dead ACS (${kind}) and nothing remembered: not available, and why`, async ({ t, open }) => {
    const page = await open({ customer: await newCustomer(await newModem()) });
    await fault(t, 'genieacs.devices', kind, { times: 4 });
    for (const address of PAGES) {
      assert.equal((await look(page, address)).status(), 503);
      await nothingIsKnown(page, UNREACHABLE);
    }
    await noFaults();
    await look(page);
    assert.equal((await panel(page)).values.pppoe, 'Connected', 'it is asked again, and answers');
  });
}

/** A tab that has seen the modem's values, in which the next look asks the ACS again: younger answers are reused until a refresh. */
async function seenBefore(open, ...changes) {
  const page = await open({ customer: await newCustomer(await newModem(...changes)) });
  await look(page);
  return page;
}

test('a dead ACS and an answer remembered: its values, with their age', async ({ t, open }) => {
  const page = await seenBefore(open);
  const before = await panel(page);
  await fault(t, 'genieacs.devices', '500', { times: 10 });
  await refreshButton(page).click();
  await said(page, 'Sudah diperbarui');
  for (const address of [FULL, '/customer']) {
    assert.equal((await (await look(page, address)).json()).device.stale, true);
    const { values, note } = await panel(page);
    assert.match(values.pppoe, /^Connected \(data dari (baru saja|\d+ menit lalu)\)$/);
    assert.match(note, /^data dari (baru saja|\d+ menit lalu)\. /);
    assert.ok(note.endsWith(BAD), note);
    for (const name of ['rx', 'temperature', 'uptime', 'connected']) assert.equal(values[name], before.values[name], name);
    assert.ok(await refreshButton(page).isEnabled());
  }
  await noFaults();
  await look(page);
  assert.equal((await panel(page)).values.pppoe, 'Connected');
});

test('"Perbarui" when the ACS dies just after: the page does not pretend to be up to date', async ({ t, open }) => {
  const page = await seenBefore(open);
  await fault(t, 'genieacs.devices', '500', { times: 10 });
  await Promise.all([page.waitForResponse('**/api/customer/device'), refreshButton(page).click()]);
  await atRest(page);
  const { values, note } = await panel(page);
  assert.match(values.pppoe, /^Connected \(data dari /);
  assert.match(note, /data dari/);
  await noFaults();
  await look(page);
  assert.equal((await panel(page)).values.pppoe, 'Connected');
});

test('no ACS is configured: not available, and why', async ({ t, open }) => {
  const page = await open({ customer: await newCustomer(await newModem()) });
  await secretDuring(t, 'genieacs', 'url', '', ['DeviceStatus']);
  for (const address of PAGES) {
    assert.equal((await look(page, address)).status(), 503);
    await nothingIsKnown(page, 'Status modem belum tersedia');
  }
});

test('a connection that is lost says so', async ({ open }) => {
  const page = await open({ customer: await newCustomer() });
  await page.route('**/api/customer/device', (route) => route.abort());
  await page.goto(FULL);
  await atRest(page);
  await note(page).getByText(/koneksi|internet/i).waitFor();
  for (const text of Object.values((await panel(page)).values)) assert.equal(text, NONE);
});

test('"Perbarui" at a modem that cannot be woken: one task waits, and the page says when; again too soon is told', async ({ open }) => {
  const modem = await newModem('behind-nat');
  const page = await open({ customer: await newCustomer(modem) });
  await page.goto(FULL);
  await atRest(page);
  const button = refreshButton(page);
  await button.focus();
  await page.keyboard.press('Enter');
  await note(page).getByText(QUEUED).waitFor();
  assert.equal((await panel(page)).note, 'Permintaan dikirim: diperbarui pada inform berikutnya, biasanya dalam 5 menit');
  assert.ok(await button.evaluate((element) => document.activeElement === element && !element.disabled), 'the focus stays on the button');
  const tasks = await waitingTasks(modem.deviceId);
  assert.deepEqual(tasks.map(({ name, objectName }) => [name, objectName]), [['refreshObject', 'VirtualParameters']]);
  await page.keyboard.press('Space');
  await note(page).getByText('Baru saja diperbarui, tunggu sebentar sebelum mencoba lagi').waitFor();
  assert.equal((await waitingTasks(modem.deviceId)).length, 1, 'no second task');
  assert.equal((await panel(page)).values.pppoe, 'Connected', 'the values stay');
});

test('"Perbarui" is busy while it works, and is not sent twice', async ({ open }) => {
  const page = await seenBefore(open, 'behind-nat');
  let release;
  const released = new Promise((resolve) => (release = resolve));
  const sent = [];
  await page.route('**/api/customer/device/refresh', async (route) => {
    sent.push(route.request().headers()['x-csrf-token']);
    await released;
    await route.continue();
  });
  const button = refreshButton(page);
  await button.focus();
  await page.keyboard.press('Enter');
  await page.locator('#device [data-refresh][aria-busy=true]').waitFor();
  assert.ok(await button.isDisabled());
  await page.keyboard.press('Enter');
  await button.evaluate((element) => element.click());
  release();
  await note(page).getByText(QUEUED).waitFor();
  assert.equal(await button.getAttribute('aria-busy'), null);
  assert.equal(sent.length, 1);
  assert.ok(sent[0], 'with the CSRF token of the page');
});

test('"Perbarui" at a modem that is awake: updated at once, and what to do about the signal is still said', async ({ open }) => {
  const page = await seenBefore(open);
  const [again] = await Promise.all([page.waitForResponse('**/api/customer/device'), refreshButton(page).click()]);
  assert.equal(again.status(), 200);
  await said(page, 'Sudah diperbarui');
  await atRest(page);
  const { ages, note } = await panel(page);
  assert.ok(Object.keys(ages).length > 0);
  assert.ok(note.includes(BAD), `the note has lost its help: ${note}`);
});

test('"Perbarui" when the ACS has died says so', async ({ t, open }) => {
  const page = await seenBefore(open);
  await fault(t, 'genieacs.tasks', '500', { times: 4 });
  await refreshButton(page).click();
  await note(page).getByText(UNREACHABLE).waitFor();
  assert.equal((await panel(page)).values.pppoe, 'Connected', 'the values stay');
});

test('an ONT that is swapped for another is found again', async ({ open }) => {
  const modem = await newModem();
  const page = await open({ customer: await newCustomer(modem) });
  await look(page);
  assert.equal((await panel(page)).values.serial, modem.ontSerial);
  await changeModem(modem.deviceId, 'offline');
  const successor = await changeModem(modem.deviceId, 'swapped');
  await refreshButton(page).click();
  await note(page).getByText(QUEUED).waitFor();
  await look(page);
  const { values } = await panel(page);
  assert.deepEqual([values.status, values.pppoe, values.serial], ['Online', 'Connected', successor.split('-').at(-1)]);
});

test('in English', async ({ open }) => {
  const modem = await newModem('behind-nat');
  const page = await open({ customer: await newCustomer(modem), lang: 'en', locale: 'en-GB' });
  await look(page);
  const { values, ages, note: help } = await panel(page);
  const { status, pppoe, rx, temperature, uptime, connected, ssids, contact } = values;
  assert.deepEqual([status, pppoe, rx, temperature, uptime, connected, ssids], ['Online', 'Connected', '-28.54 dBm (Bad)', '52 °C', '7 days', '3 devices', 'Wati (On)\nWati 5G (On)']);
  assert.match(contact, /\d{4}.*\d[:.]\d\d/);
  for (const age of Object.values(ages)) assert.match(age, /^(just now|\d+ (minute|hour|day)s? ago)$/);
  assert.match(help, /^The optical signal is too weak/);
  await refreshButton(page).click();
  await note(page).getByText('Asked for: updated when the modem next reports, usually within 5 minutes').waitFor();
  await refreshButton(page).click();
  await note(page).getByText('It was updated a moment ago, wait a little before you try again').waitFor();
  const offline = await open({ customer: await newCustomer(await newModem('offline')), lang: 'en' });
  await look(offline);
  const old = await panel(offline);
  assert.deepEqual([old.values.status, old.values.pppoe], ['Offline (last seen 3 hours ago)', 'Disconnected (data from 3 hours ago)']);
  assert.match(old.note, /^The modem is offline/);
});

/** The longest that the API may answer of an ordinary modem. */
function wordy(help = WEAK) {
  const at = '2026-11-20T02:00:00Z';
  const value = (number, text) => ({ value: number, text, readAt: at, ageText: '23 jam lalu' });
  return {
    status: 'offline', statusText: 'Offline (terakhir terlihat 23 jam lalu)', lastInform: at, stale: true, askedAt: at, staleText: 'data dari 23 jam lalu',
    manufacturer: 'Fiberhome Telecommunication Technologies Co., LTD', model: 'HG6145D2-V3-ID', serialNumber: '48575443A1B2C3D4',
    pppoe: { status: 'disconnected', text: 'Disconnected (data dari 23 jam lalu)', username: 'x@lunas', ip: '100.127.255.254', readAt: at, ipReadAt: at },
    rxPower: { dbm: -26.55, level: 'lemah', text: '-26,55 dBm', levelText: 'Lemah', help, readAt: at, ageText: '23 jam lalu' },
    temperatureC: value(48.5, '48,5 °C'), uptimeSeconds: value(1, '364 hari 23 jam'), connectedDevices: value(128, '128 perangkat'),
    wifi: ['Warung Kopi Bu Ratna Lantai Satu', 'Warung Kopi Bu Ratna Lantai Dua5'].map((ssid) => ({ ssid, enabled: null, text: 'Tidak diketahui', readAt: at })),
  };
}

for (const address of PAGES) {
  for (const [what, device] of [['real data', undefined], ['the longest texts', wordy()]]) {
    test(`no layout shift when the panel is filled with ${what}: ${address}`, async ({ open }) => {
      const page = await open({ customer: await newCustomer(await newModem()) });
      const release = await hold(page, (route) => (device ? route.fulfill({ json: { success: true, device } }) : route.continue()));
      await page.goto(address);
      await page.locator('#device[aria-busy=true]').waitFor();
      // All of the panel is seen, and what stands below it.
      await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
      release();
      await atRest(page);
      const shifts = await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(window.lunasShifts), 100)))));
      assert.deepEqual(shifts, []);
    });
  }
}

test('at 320 px and with text at 200 % nothing of the panel is cut off', async ({ open }) => {
  const page = await open({ customer: await newCustomer(), viewport: { width: 320, height: 640 } });
  await page.route('**/api/customer/device', (route) => route.fulfill({ json: { success: true, device: wordy() } }));
  for (const address of PAGES) {
    await look(page, address);
    assert.deepEqual(await overflowing(page), [], address);
    await page.setViewportSize({ width: 360, height: 740 });
    await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
    assert.deepEqual(await overflowing(page), [], `${address} at 200 %`);
    await page.setViewportSize({ width: 320, height: 640 });
  }
});

test('axe finds nothing in the panel, light and dark', async ({ open }) => {
  for (const options of [{ customer: await newCustomer(await newModem()) }, { customer: await newCustomer(await newModem('offline')), lang: 'en' }]) {
    const page = await open(options);
    for (const address of PAGES) {
      await look(page, address);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await axe(page), [], `${address} ${colorScheme}`);
      }
    }
  }
});

test('the panel is one whose place, state and messages are told to a screen reader', async ({ open }) => {
  const page = await seenBefore(open);
  await page.getByRole('region', { name: 'ONT/WiFi' }).getByRole('status').getByText(BAD).waitFor();
});
