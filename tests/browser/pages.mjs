// Every page of the portal, with everything on it that a page can show.

import { askForCode, enterCode } from './page.mjs';
import { applied, cancelInvoice, createPackage, me, newCustomer, newInvoice, newLink, newModem, newPhone, newSession, newUpgrade, payPage, retirePackage, simulate } from './stack.mjs';

/**
 * A customer with a paid, a cancelled and an unpaid invoice; one who is expired and late; one with nothing; one who has
 * chosen another package and not paid; one who has none to choose from.
 */
export async function household() {
  const full = await newCustomer({ name: 'Ratna Kusumaningrum Wijayakusuma', expiresIn: 3, due: 3, ...(await newModem()) });
  full.token = await newSession(full);
  const before = await me(full.token);
  await simulate(await newLink(full.token, full.invoice.id));
  await applied(full.token, full.invoice.id, before);
  await cancelInvoice((await newInvoice(full.id, 20)).invoiceNumber);
  full.open = await newInvoice(full.id, 33);
  await newLink(full.token, full.open.id);
  full.public = { paid: await payPage(full.id, full.invoice.id), open: await payPage(full.id, full.open.id) };

  const late = await newCustomer({ name: 'Joko Susilo', packageId: 'turbo50', expiresIn: -4, due: -3, ...(await newModem('offline')) });
  const empty = await newCustomer({ name: 'Andi Pratama', due: null });
  late.public = await payPage(late.id, late.invoice.id);
  [late.token, empty.token] = [await newSession(late), await newSession(empty)];

  const moving = await newCustomer({ name: 'Sari Puspita', due: 5 });
  moving.token = await newSession(moving);
  await newUpgrade(moving.token, 'turbo50');

  const { id: packageId } = await createPackage({ name: 'Khusus Kantor 30 Mbps', changeableTo: [] });
  const alone = await newCustomer({ name: 'Eko Nugroho', packageId, due: null });
  await retirePackage(packageId);
  alone.token = await newSession(alone);
  return { full, late, empty, moving, alone };
}

/** `{name, who?, show}`: `show(page)` leads a tab of that customer, or of nobody, to the page. */
export function everyPage({ full, late, empty, moving, alone }) {
  const at = (address) => (page) => page.goto(address);
  return [
    { name: 'login', show: at('/customer/login') },
    { name: 'login-ended', show: at('/customer/login?ended=1') },
    { name: 'login-code', show: sendPhone },
    { name: 'login-wrong-code', show: sendWrongCode },
    { name: 'login-choose', show: chooseLine },
    { name: 'dashboard', who: full, show: dashboard },
    { name: 'dashboard-overdue', who: late, show: dashboard },
    { name: 'dashboard-empty', who: empty, show: dashboard },
    { name: 'invoices', who: full, show: at('/customer/invoices') },
    { name: 'history', who: full, show: at('/customer/history') },
    { name: 'history-empty', who: empty, show: at('/customer/history') },
    { name: 'wifi-status', who: full, show: at('/customer/wifi?tab=status') },
    { name: 'wifi-status-offline', who: late, show: at('/customer/wifi?tab=status') },
    { name: 'wifi-upgrade', who: full, show: at('/customer/wifi?tab=upgrade') },
    { name: 'wifi-upgrade-preview', who: full, show: at('/customer/wifi?tab=upgrade&package=turbo50') },
    { name: 'wifi-upgrade-amount-moved', who: full, show: at('/customer/wifi?tab=upgrade&package=hemat10&error=amount_changed') },
    { name: 'wifi-upgrade-open', who: moving, show: at('/customer/wifi?tab=upgrade') },
    { name: 'wifi-upgrade-open-preview', who: moving, show: at('/customer/wifi?tab=upgrade&package=hemat10') },
    { name: 'wifi-upgrade-none', who: alone, show: at('/customer/wifi?tab=upgrade') },
    { name: 'dashboard-upgrade', who: moving, show: dashboard },
    { name: 'pay-error', who: full, show: at(`/customer/pay/${full.open.id}?error=link_failed`) },
    { name: 'finish-unpaid', who: late, show: at(`/customer/finish/${late.invoice.id}`) },
    { name: 'finish-paid', who: full, show: at(`/customer/finish/${full.invoice.id}`) },
    { name: 'finish', who: full, show: at('/customer/finish') },
    { name: 'bill', show: at(full.public.open) },
    { name: 'bill-finish', show: at(`${late.public}/finish`) },
    { name: 'bill-pay-error', show: at(`${full.public.open}/pay?error=link_failed`) },
    { name: 'bill-receipt', show: at(full.public.paid) },
    { name: 'bill-gone', show: at('/p/AAAAAAAAAAAAAAAAAAAAAAAA') },
    { name: 'not-found', who: full, show: at('/customer/pay/inv_nope') },
    { name: 'offline', show: at('/customer/offline') },
  ];
}

/** Opens each page for its visitor; one browser context per visitor. `visit(name, page)` is called with the page at rest. */
export async function visitAll(open, people, options, visit) {
  const tabs = new Map();
  for (const { name, who, show } of everyPage(people)) {
    if (!tabs.has(who)) tabs.set(who, await open({ token: who?.token, ...options }));
    const page = tabs.get(who);
    await show(page);
    await page.waitForLoadState('networkidle');
    await visit(name, page);
  }
}

async function dashboard(page) {
  await page.goto('/customer');
  await page.locator('#device [data-device=pppoe]').waitFor();
}

/** Unknown phones are answered like known ones, and nobody's ration of codes is used. */
async function sendPhone(page, phone = newPhone()) {
  await page.goto('/customer/login');
  await page.locator('#phone-form input[name=phone]').fill(phone);
  await page.locator('#phone-form button[type=submit]').click();
  await page.locator('#code-form').waitFor();
}

async function sendWrongCode(page) {
  await sendPhone(page);
  await page.locator('#code-form input[name=code]').fill('000000');
  await page.locator('#code-form button[type=submit]').click();
  await page.getByRole('alert').waitFor();
}

async function chooseLine(page) {
  const phone = newPhone();
  await newCustomer({ name: 'Maya Sari (rumah)', phone, due: null });
  await newCustomer({ name: 'Maya Sari (warung)', phone, due: null, packageId: 'turbo50' });
  await enterCode(page, await askForCode(page, phone));
  await page.locator('#line-form').waitFor();
}
