// A customer's browser: Debian's Chromium, one fresh context per visitor. `test` is Node's, plus what holds in every test:
// no complaint of the Content Security Policy, no script error, no dialog, in any tab.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test as nodeTest } from 'node:test';

import { chromium } from 'playwright-core';

import { DEADLINE_MS, STATE, codeFor, codes, eventually, newSession, site } from './stack.mjs';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const PHONE = { width: 360, height: 740 };
const TEST_MS = 600_000;

export function launch(options = {}) {
  const executablePath = process.env.CHROMIUM ?? CANDIDATES.find(existsSync);
  assert.ok(executablePath, `no Chromium at ${CANDIDATES.join(', ')}: apt-get install chromium, or name one in CHROMIUM`);
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', ...(options.args ?? [])];
  // Playwright switches the pop-up blocker off; customers have it on.
  return chromium.launch({ executablePath, args, ignoreDefaultArgs: ['--disable-popup-blocking'] });
}

let browser;

/** To be called once by a file of tests. */
export function useBrowser() {
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());
}

/** A test that gets `t` (Node's) and `open`, which opens the browser of one more visitor. */
export function test(title, body) {
  nodeTest(title, { timeout: TEST_MS }, async (t) => {
    const visits = new Visits();
    try {
      await body({ t, open: (options) => visits.open(options) });
    } catch (error) {
      await visits.keep(title);
      throw error;
    } finally {
      await visits.close();
    }
    assert.deepEqual(visits.complaints, [], 'complaints of the browser');
  });
}

class Visits {
  complaints = [];
  #contexts = [];

  /**
   * A visitor's first tab. `customer` (from `newCustomer`) is logged in, through the API; `token` likewise, with a session that exists.
   * Everything else is an option of Playwright's contexts.
   */
  async open({ customer, token, lang, at, ...options } = {}) {
    const context = await browser.newContext({ viewport: PHONE, locale: 'id-ID', baseURL: site, ...options });
    this.#contexts.push(context);
    context.setDefaultTimeout(DEADLINE_MS);
    context.on('page', (page) => this.#watch(page));
    await context.exposeBinding('lunasComplain', (_source, text) => this.complaints.push(text));
    await context.addInitScript(watchDocument);
    token ??= customer && (await newSession(customer));
    if (token) await context.addCookies([{ name: 'session', value: token, url: site, httpOnly: true, sameSite: 'Lax' }]);
    if (lang) await context.addCookies([{ name: 'lang', value: lang, url: site }]);
    const page = await context.newPage();
    if (at) await page.goto(at);
    return page;
  }

  #watch(page) {
    page.on('console', (message) => {
      if (/content security policy|violates the following/i.test(message.text())) this.complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`${page.url()}: ${error.stack ?? error}`));
    page.on('dialog', (dialog) => {
      this.complaints.push(`${page.url()} opened a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
  }

  /** What the tabs of a failed test showed. */
  async keep(title) {
    const folder = path.join(STATE, 'failures');
    await mkdir(folder, { recursive: true });
    const name = title.replace(/[^a-z0-9]+/gi, '-').slice(0, 80);
    const tabs = this.#contexts.flatMap((context) => context.pages());
    for (const [number, tab] of tabs.entries()) {
      try {
        await tab.screenshot({ path: path.join(folder, `${name}-${number}.png`), fullPage: true, timeout: 5_000 });
        await writeFile(path.join(folder, `${name}-${number}.html`), `<!-- ${tab.url()} -->\n${await tab.content()}`);
      } catch {
        // A tab that is gone shows nothing.
      }
    }
  }

  close() {
    return Promise.all(this.#contexts.map((context) => context.close()));
  }
}

/** Runs in every document before its own scripts. */
function watchDocument() {
  addEventListener('securitypolicyviolation', (event) => {
    window.lunasComplain(`${event.documentURI}: ${event.violatedDirective} forbids ${event.blockedURI || event.sample}`);
  });
  window.lunasShifts = [];
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) window.lunasShifts.push(shift.value);
  }).observe({ type: 'layout-shift', buffered: true });
  window.lunasSaid = [];
  new MutationObserver(() => {
    for (const place of document.querySelectorAll('[data-message], [role=status], [role=alert], .badge, button')) {
      const text = place.textContent.trim();
      if (text && !window.lunasSaid.includes(text)) window.lunasSaid.push(text);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

/** Waits until a message, badge or button has said this, if only for a moment. */
export const said = (page, text) =>
  eventually(`the page says "${text}"`, () => page.evaluate((wanted) => window.lunasSaid.some((seen) => seen.includes(wanted)), text));

/** The row of an invoice (`{invoiceNumber}`). */
export const row = (page, invoice) => page.locator(`[data-invoice="${invoice.invoiceNumber}"]`);

/** The row's main button. */
export const payButton = (page, invoice, name = /Bayar Sekarang|Generate Link Pembayaran/) => row(page, invoice).getByRole('button', { name });

/** Has the row ask for another invoice than its own, as somebody may who edits the page. */
export const disguise = (page, invoice, id) =>
  row(page, invoice).evaluate((element, other) => {
    element.id = `invoice-${other}`;
    element.dataset.invoiceId = other;
    for (const input of element.querySelectorAll('input[name=invoiceId]')) input.value = other;
  }, id);

/** Clicks and returns the tab that opens. */
export async function newTab(page, click) {
  const [tab] = await Promise.all([page.waitForEvent('popup'), click()]);
  return tab;
}

/** The same click, and what it leads to in a new tab: a gateway's payment page. */
export async function paymentPage(page, button) {
  const tab = await newTab(page, () => button.click());
  await tab.getByRole('button', { name: 'Pay', exact: true }).waitFor();
  return tab;
}

/** The customer looks at this tab again. */
export async function comeBack(page) {
  await page.bringToFront();
  // Headless tabs always believe to be looked at, so nothing would tell the page.
  await page.evaluate(() => {
    document.dispatchEvent(new Event('visibilitychange'));
    window.dispatchEvent(new Event('focus'));
  });
}

/** Marks the document, to find out later that it was never loaded anew. */
export const mark = (page) => page.evaluate(() => void (window.lunasMarked = true));
export const isMarked = (page) => page.evaluate(() => window.lunasMarked === true);

/** Asks for a code on the login page and returns it. */
export async function askForCode(page, phone) {
  const seen = (await codes(phone)).length;
  await page.goto('/customer/login');
  await page.locator('#phone-form input[name=phone]').fill(phone);
  await page.locator('#phone-form button[type=submit]').click();
  await page.locator('#code-form').waitFor();
  return codeFor(phone, seen);
}

/** Types the code and sends it. */
export async function enterCode(page, code) {
  await page.locator('#code-form input[name=code]').fill(code);
  await page.locator('#code-form button[type=submit]').click();
}

/** Is the document wider than the window, or any text cut off? Returns what is. */
export const overflowing = (page) =>
  page.evaluate(() => {
    const root = document.documentElement;
    const found = root.scrollWidth > root.clientWidth ? [`the document is ${root.scrollWidth} wide in ${root.clientWidth}`] : [];
    for (const element of document.body.querySelectorAll('*')) {
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      if (!box.width || style.visibility === 'hidden' || box.right <= 0) continue;
      const name = `<${element.tagName.toLowerCase()} class="${element.className}">${element.textContent.trim().slice(0, 40)}`;
      if (box.right > root.clientWidth + 1) found.push(`${name} ends at ${Math.round(box.right)} of ${root.clientWidth}`);
      const hides = /hidden|clip/.test(style.overflowX + style.overflowY);
      const cut = element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1;
      // 1 px is the usual size of what only screen readers are told.
      if (hides && cut && box.width > 1 && element.textContent.trim()) found.push(`${name} is cut off`);
    }
    return found;
  });

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// Everything but what axe itself calls experimental; target sizes of WCAG 2.2 are off unless asked for.
const RULES = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] };

/** What axe finds wrong with the page. */
export async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate((rules) => window.axe.run(document, rules), RULES);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary.split('\n').slice(1).join(' ').trim()}`));
}

/** Everything that the portal's own origin is asked for, in order. */
export function requestsOf(page, pathname) {
  const seen = [];
  page.context().on('request', (request) => {
    if (new URL(request.url()).pathname === pathname) seen.push(request);
  });
  return seen;
}
