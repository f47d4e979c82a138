// The running stack, seen from outside: the API, the `lunas` command, the sandbox's controls, and what an admin does in the AWS console.
//
// LUNAS_DEMO names the stack's demo.json; `infra/local/browser.py` sets it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DEMO = process.env.LUNAS_DEMO ?? path.join(ROOT, '.local/browser/demo.json');
export const STATE = path.dirname(DEMO);
export const demo = JSON.parse(await readFile(DEMO, 'utf8'));
/** The portal's origin, which is the API's too. */
export const site = demo.api;

/** What a state is waited for at most: stream, relay, queue and function on a busy machine. */
export const DEADLINE_MS = 60_000;
const ASK_AGAIN_MS = 100;
/** No request to the stack takes longer: the proxy gives up after 30 s. */
const REQUEST_MS = 40_000;

/** The first truthy result of `look`, asked for until the deadline. */
export async function eventually(what, look) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`not within ${DEADLINE_MS / 1000} s: ${what}; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

/**
 * One request, exactly as told: no redirect is followed, no header added, nothing decompressed.
 * `json` and `form` are bodies; `headers` wins over what they imply.
 */
export function send(method, url, { headers = {}, json, form, token, cookies = {} } = {}) {
  const body = json !== undefined ? JSON.stringify(json) : form !== undefined ? new URLSearchParams(form).toString() : undefined;
  const type = json !== undefined ? 'application/json' : 'application/x-www-form-urlencoded';
  const jar = Object.entries(cookies).map(([name, value]) => `${name}=${value}`);
  const all = {
    ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
    ...(token ? { authorization: `Bearer ${token}` } : {}),
    ...(jar.length ? { cookie: jar.join('; ') } : {}),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(url, site), { method, headers: all, agent: false, timeout: REQUEST_MS }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve(answered(answer, Buffer.concat(chunks))));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer to ${method} ${url}`)));
    request.on('error', reject);
    request.end(body);
  });
}

function answered(answer, body) {
  const text = body.toString('utf8');
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

async function expectOk(method, url, options) {
  const answer = await send(method, url, options);
  assert.ok(answer.status < 300, `${method} ${url}: ${answer.status} ${answer.text.slice(0, 400)}`);
  return answer;
}

// --- the lunas command -------------------------------------------------------------------------------------------------------------

const AWS = {
  PATH: process.env.PATH,
  HOME: os.tmpdir(),
  AWS_ENDPOINT_URL: demo.aws,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
  LUNAS_TABLE: demo.table,
  NO_PROXY: '127.0.0.1',
};

/** Runs `lunas --json --yes …` and returns its document. */
export async function lunas(...words) {
  const program = process.env.LUNAS_BIN ?? path.join(ROOT, 'target/debug/lunas');
  const { stdout } = await run(program, ['--json', '--yes', ...words], { env: AWS, timeout: 60_000 });
  return JSON.parse(stdout);
}

async function importFile(kind, header, rows) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lunas-'));
  try {
    const file = path.join(folder, 'rows.csv');
    const quoted = (value) => `"${String(value).replaceAll('"', '""')}"`;
    await writeFile(file, [header, ...rows].map((row) => row.map(quoted).join(',')).join('\n'));
    return await lunas(kind, 'import', file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The provider's calendar day so many days from now, as YYYY-MM-DD. */
export function day(fromToday) {
  const at = new Date(Date.now() + fromToday * 86_400_000);
  return new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Jakarta' }).format(at);
}

/** A phone number that no other test uses. */
export const newPhone = () => `62851${String(randomInt(1e8)).padStart(8, '0')}`;

/**
 * A customer of one test's own, since login codes are rationed per phone and tests must not meet.
 * `due`: days from today until an invoice is due, `null` for none.
 */
export async function newCustomer({ name = 'Sari Puspita', phone = newPhone(), packageId = 'keluarga20', expiresIn = 5, due = 5, ...line } = {}) {
  const id = `t${Date.now().toString(36)}${randomInt(1e9).toString(36)}`;
  // Unless the test says otherwise (`newModem`), the ACS has no such modem.
  const { username, deviceId, ontSerial } = { username: `${id}@lunas`, deviceId: `00259E-HG8245H-${id}`, ontSerial: id, ...line };
  const customer = { id, name, phone, username };
  const columns = ['id', 'name', 'phone', 'username', 'packageId', 'expiresAt', 'deviceId', 'ontSerial'];
  await importFile('customers', columns, [[id, name, phone, username, packageId, day(expiresIn), deviceId, ontSerial]]);
  if (due !== null) customer.invoice = await newInvoice(id, due);
  return customer;
}

/** Issues a renewal invoice: `{id, invoiceNumber, amount, …}`. */
export const newInvoice = async (customerId, due = 5) => (await lunas('invoices', 'create', '--customer', `id:${customerId}`, '--due', day(due))).invoice;

export const cancelInvoice = (number) => lunas('invoices', 'cancel', number);

export const newPackage = (id, name, price) => importFile('packages', ['id', 'name', 'price', 'downMbps', 'upMbps', 'periodMonths', 'active'], [[id, name, price, 20, 10, 1, true]]);

/** A fresh package. `changeableTo`: the ids that its customers may change to; without it every active one. */
export async function createPackage({ name = 'Rumah 30 Mbps', price = 200_000, down = 30, up = 15, months = 1, changeableTo } = {}) {
  const id = `p${Date.now().toString(36)}${randomInt(1e9).toString(36)}`;
  const words = ['--name', name, '--price', price, '--down', down, '--up', up, '--months', months];
  if (changeableTo) words.push('--changeable-to', changeableTo.join(','));
  await lunas('packages', 'create', id, ...words.map(String));
  return { id, name, price, down, up, months };
}

/** The same for the length of one test, since customers of other packages are offered it. */
export async function sellPackage(t, fields) {
  const sold = await createPackage(fields);
  t.after(() => retirePackage(sold.id));
  return sold;
}

export const retirePackage = (id) => lunas('packages', 'retire', id);

// --- the API, as a program uses it -------------------------------------------------------------------------------------------------

/** The newest login code in the phone's inbox beyond the first `seen` codes. */
export async function codeFor(phone, seen = 0) {
  const message = await eventually(`a login code for ${phone}`, async () => (await codes(phone)).slice(seen).at(-1));
  return message.text.match(/\b\d{6}\b/)[0];
}

/** The messages that hold login codes; others arrive in between. */
export const codes = async (phone) => (await inbox(phone)).filter((message) => message.text.startsWith('Kode masuk'));

export const inbox = async (phone) => (await expectOk('GET', `${demo.sandbox.whatsapp}/inbox?phone=${phone}`)).json;

/** A session's token, got through the API. */
export async function newSession(customer) {
  const seen = (await codes(customer.phone)).length;
  await expectOk('POST', '/api/customer/otp', { json: { phone: customer.phone } });
  const code = await codeFor(customer.phone, seen);
  return (await expectOk('POST', '/api/customer/login', { json: { phone: customer.phone, code, customerId: customer.id } })).json.token;
}

export const me = async (token) => (await expectOk('GET', '/api/customer/me', { token })).json.customer;

export const invoices = async (token) => (await expectOk('GET', '/api/customer/invoices?limit=50', { token })).json.invoices;

/** The invoice's payment link, made through the API. */
export async function newLink(token, invoiceId, gateway) {
  return (await expectOk('POST', '/api/customer/invoices/payment', { token, json: { invoiceId, gateway } })).json.paymentLink;
}

/** What a change to this package would come to, as the API says. */
export const upgradePreview = async (token, packageId) => (await expectOk('GET', `/api/customer/upgrade?packageId=${packageId}`, { token })).json;

/** A change of package that is not paid yet: its invoice. */
export async function newUpgrade(token, packageId) {
  const { amount: expectedAmount } = await upgradePreview(token, packageId);
  return (await expectOk('POST', '/api/customer/upgrade', { token, json: { packageId, expectedAmount } })).json.invoice;
}

/** Waits until the invoice is paid and the service behind it extended. */
export async function applied(token, invoiceId, before) {
  await eventually('the invoice is PAID', async () => (await invoices(token)).find((invoice) => invoice.id === invoiceId)?.status === 'PAID');
  return eventually('the service is extended', async () => {
    const now = await me(token);
    return now.expiresAt !== before.expiresAt && now;
  });
}

// --- the sandbox -------------------------------------------------------------------------------------------------------------------

/** Plays the customer at the gateway: `simulate(link, {outcome, amount, channel, webhook})`. */
export const simulate = (link, options = {}) => expectOk('POST', `${demo.sandbox.midtrans}/simulate`, { json: { link, outcome: 'paid', ...options } });

/** Puts a fault in the way of the next `times` calls of a partner; it is gone when the test is over. */
export async function fault(t, target, kind, { ms, times = 1 } = {}) {
  t.after(noFaults);
  await expectOk('POST', `${demo.sandbox.midtrans}/faults`, { json: { target, kind, ms, times } });
}

export const noFaults = () => expectOk('DELETE', `${demo.sandbox.midtrans}/faults`);

/** Calls of a gateway's create that were about this invoice, by its number: order ids begin with it. */
export async function creations(invoiceNumber) {
  const lists = await Promise.all(
    ['midtrans.create', 'xendit.create'].map((target) => expectOk('GET', `${demo.sandbox.midtrans}/requests?target=${target}`)),
  );
  return lists.flatMap((list) => list.json).filter((call) => call.reference?.startsWith(invoiceNumber));
}

/** Waits until a call has reached the gateway, so that what comes next meets it under way. */
export const underWay = (invoiceNumber) => eventually(`a link of ${invoiceNumber} is being made`, async () => (await creations(invoiceNumber)).length > 0);

// What the modem that the others are copied from is called, and whose it is.
const PATTERN = { serial: 'CMDCA0000011', tag: '+6281200000011' };

/** Has a modem (id, serial number or PPPoE user) change, as the sandbox's README lists it: `offline`, `behind-nat` … Returns its id. */
export const changeModem = async (device, change) => (await expectOk('POST', `${demo.sandbox.genieacs}/simulate-device`, { json: { device, change } })).json.device;

/**
 * A modem of one test's own, connected unless `changes` follow; what it returns makes it a customer's: `newCustomer({...modem})`.
 * Its signal is bad.
 */
export async function newModem(...changes) {
  const deviceId = await changeModem(PATTERN.serial, 'swapped');
  await changeModem(PATTERN.serial, 'online');
  await askAcs('DELETE', `/devices/${encodeURIComponent(deviceId)}/tags/${encodeURIComponent(PATTERN.tag)}`);
  const ontSerial = deviceId.split('-').at(-1);
  for (const change of ['connected', ...changes]) await changeModem(ontSerial, change);
  return { deviceId, ontSerial, username: ontSerial };
}

/** The modem's tasks that wait for its next report. */
export const waitingTasks = async (device) => (await askAcs('GET', `/tasks/?query=${encodeURIComponent(JSON.stringify({ device }))}`)).json;

const askAcs = (method, path) => expectOk(method, demo.sandbox.genieacs + path, { headers: { authorization: `Basic ${btoa('lunas:demo-genieacs-password')}` } });

// --- what an admin or time does ----------------------------------------------------------------------------------------------------

const control = (...words) => run(process.env.PYTHON ?? path.join(ROOT, '.venv/bin/python'), [path.join(ROOT, 'infra/local/browser.py'), ...words, '--demo', DEMO], { timeout: 120_000 });

/** Puts the end of all the customer's sessions into the past. */
export const expireSessions = (customerId) => control('expire-sessions', customerId);

/** The path of the invoice's public page, as a message's link has it. */
export const payPage = async (customerId, invoiceId) => JSON.parse((await control('pay-page', customerId, invoiceId)).stdout).path;

/** Changes one row of a secret for the length of a test, and makes the functions that cached it start afresh. */
export async function secretDuring(t, secret, row, value, functions) {
  const change = (to) => control('set-secret', secret, row, to, ...functions);
  const { stdout } = await change(value);
  const before = JSON.parse(stdout).before;
  t.after(() => change(before));
}
