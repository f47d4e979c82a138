// What the pages gain from a script: loading states, payment in a new tab, live bills, the modem's status.
// Every text comes from the page, in its language. Without this file everything but the modem's status still works.
(() => {
  "use strict";

  const page = document.body.dataset;
  const lang = document.documentElement.lang;
  const token = document.querySelector("meta[name=csrf]")?.content;
  const api = "/api/customer/";
  // A bill that is open to whoever holds its link is paid and checked elsewhere.
  const publicApi = document.querySelector("[data-pay-api]")?.dataset.payApi;
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

  const rowOf = (id) => document.getElementById("invoice-" + id);
  const stateOf = (id) => rowOf(id)?.dataset.state;
  const isOpen = (id) => ["unpaid", "overdue"].includes(stateOf(id));
  const isChecked = (id) => isOpen(id) || stateOf(id) === "in-review";

  // Answers of the API. Throws when none came within 25 seconds; a session that has ended leads to the login.
  async function call(path, fields) {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), 25000);
    const headers = { Accept: "application/json", "Accept-Language": lang };
    if (fields) headers["Content-Type"] = "application/json";
    if (fields && token) headers["X-CSRF-Token"] = token;
    try {
      const request = { method: fields ? "POST" : "GET", headers, credentials: "same-origin", signal: patience.signal };
      if (fields) request.body = JSON.stringify(fields);
      const answer = await fetch(path, request);
      const text = await answer.text();
      let said = {};
      try { said = JSON.parse(text); } catch { /* Not from us: a gateway in between. */ }
      if (answer.status === 401) location.assign("/customer/login?ended=1");
      // Another login took this page's place.
      if (said.code === "not_from_here") location.reload();
      return { ok: answer.ok, status: answer.status, said };
    } finally {
      clearTimeout(timer);
    }
  }

  // The row's message; `again` names what "try again" repeats.
  function say(id, message, again) {
    const place = rowOf(id)?.querySelector("[data-message]");
    if (!place) return;
    place.classList.toggle("error", Boolean(again));
    place.textContent = message;
    if (!again) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = page.textRetry;
    Object.assign(button.dataset, again, { id });
    place.append(button);
  }

  function setBusy(button, label) {
    button.dataset.label = button.textContent;
    if (label) button.textContent = label;
    button.setAttribute("aria-busy", "true");
    button.disabled = true;
  }

  function release(button) {
    if ("label" in button.dataset) button.textContent = button.dataset.label;
    delete button.dataset.label;
    button.removeAttribute("aria-busy");
    button.disabled = false;
  }

  // Forms that the browser sends itself: once. The button is disabled after the browser has read it.
  function sendOnce(event) {
    const { target: form, submitter } = event;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    setTimeout(() => submitter && setBusy(submitter));
    // Whoever stopped the browser can send again.
    setTimeout(() => giveBack(form), 15000);
  }

  function giveBack(form) {
    delete form.dataset.sent;
    form.querySelectorAll("button").forEach(release);
  }

  addEventListener("pageshow", () => document.querySelectorAll("[data-sent], [data-upgrade]").forEach(giveBack));

  // What was begun last for a bill. What was begun before it has nothing to say any more.
  const begun = new Map();
  const begin = (id) => begun.set(id, (begun.get(id) || 0) + 1).get(id);

  // Paying. The tab is opened in the click itself, or browsers would block it.
  const opened = new Set(JSON.parse(sessionStorage.getItem("opened") || "[]"));

  async function pay(id, gateway) {
    const row = rowOf(id);
    if (!row || row.hasAttribute("aria-busy")) return;
    const tab = openTab();
    const buttons = [...row.querySelectorAll("button")];
    const main = row.querySelector("[data-pay] > button");
    begin(id);
    const pressed = buttons.find((button) => gateway && button.value === gateway) || main;
    row.setAttribute("aria-busy", "true");
    for (const button of buttons) button.disabled = true;
    setBusy(pressed, page.textMaking);
    say(id, "");
    const answer = await makeLink(id, gateway).catch(() => null);
    row.removeAttribute("aria-busy");
    buttons.forEach(release);
    if (document.activeElement === document.body) pressed.focus();
    if (!answer?.ok) {
      tab?.close();
      if (answer?.status !== 401) say(id, answer ? answer.said.error || page.textBusy : page.textNetwork, { again: "pay", gateway: gateway || "" });
      if (answer?.status === 404 || answer?.said.code === "payment_in_review") refresh();
      return;
    }
    document.getElementById("problem")?.remove();
    // Credit has paid all of it.
    if (!answer.said.paymentLink) {
      tab?.close();
      say(id, answer.said.message);
      return refresh();
    }
    remember(id);
    main.textContent = page.textPay;
    main.dataset.hasLink = "";
    if (!tab) return location.assign(answer.said.paymentLink);
    lead(tab, answer.said.paymentLink);
    say(id, page.textOpened);
    refresh();
  }

  // Changing the package: the same as paying, but the invoice is made first. Afterwards it stands among the bills.
  async function upgrade(form) {
    const button = form.querySelector("button");
    const place = form.parentElement.querySelector("[data-message]");
    if (button.disabled) return;
    const { packageId, expectedAmount } = Object.fromEntries(new FormData(form));
    // What costs nothing is done at once.
    const tab = Number(expectedAmount) > 0 ? openTab() : null;
    setBusy(button, tab && page.textMaking);
    place.classList.remove("error");
    place.textContent = "";
    const answer = await call(api + "upgrade", { packageId, expectedAmount: Number(expectedAmount) }).catch(() => null);
    let { invoice, paymentLink, code } = answer?.said ?? {};
    if (answer?.ok && code === "link_in_progress") {
      const made = await makeLink(invoice.id).catch(() => null);
      if (made?.ok) ({ paymentLink } = made.said);
      // Credit has paid all of it.
      if (made?.ok && !paymentLink) code = "nothing_to_pay";
    }
    if (answer?.ok && paymentLink) {
      remember(invoice.id);
      if (!tab) return location.assign(paymentLink);
      lead(tab, paymentLink);
      return location.assign("/customer");
    }
    tab?.close();
    if (answer?.status === 401) return;
    if (answer?.ok) return location.assign(`/customer?error=${code}`);
    // Pressed twice, and the first time was enough.
    if (code === "same_package") return location.assign("/customer");
    if (code === "amount_changed") return location.assign(`${form.dataset.upgrade}&error=${code}`);
    release(button);
    place.classList.add("error");
    place.textContent = answer ? answer.said.error || page.textBusy : page.textNetwork;
  }

  // The gateway's page has no hold on ours.
  function lead(tab, address) {
    tab.opener = null;
    tab.location = address;
  }

  function openTab() {
    const tab = window.open("", "_blank");
    if (tab) tab.document.title = tab.document.body.textContent = page.textOpening;
    return tab;
  }

  function remember(id) {
    opened.add(id);
    sessionStorage.setItem("opened", JSON.stringify([...opened]));
  }

  // While another request is making the link, it is worth waiting for.
  async function makeLink(id, gateway) {
    for (let tries = 1; ; tries += 1) {
      const fields = gateway ? { gateway } : {};
      const answer = await (publicApi ? call(publicApi + "link", fields) : call(api + "invoices/payment", { invoiceId: id, ...fields }));
      const wait = answer.said.retryAfter;
      if (answer.status !== 409 || !wait || tries > 5) return answer;
      await sleep(wait * 1000);
    }
  }

  // Coming back: the gateway is asked, at most every ten seconds for one bill unless the customer presses a button.
  const asked = new Map();
  const following = new Set();
  let later;

  async function check(id, pressed) {
    const row = rowOf(id);
    const place = row?.querySelector("[data-message]");
    if (!row || row.hasAttribute("aria-busy") || !isChecked(id) || following.has(id)) return;
    const wait = (asked.get(id) || 0) + 10000 - Date.now();
    if (!pressed && place.classList.contains("error")) return;
    if (!pressed && wait > 0) {
      clearTimeout(later);
      later = setTimeout(comeBack, 10000);
      return;
    }
    asked.set(id, Date.now());
    const button = row.querySelector("[data-check] button");
    if (button) setBusy(button);
    say(id, page.textChecking);
    const mine = begin(id);
    const address = publicApi ? publicApi + "check" : `${api}invoices/${id}/check`;
    let answer = await call(address, {}).catch(() => null);
    // Another tab had it asked a moment ago, or this one before the button was pressed: once more, as soon as it counts.
    if (pressed && answer?.ok && answer.said.retryAfter) {
      await sleep(answer.said.retryAfter * 1000);
      answer = await call(address, {}).catch(() => null);
    }
    if (button) {
      release(button);
      button.textContent = page.textCheckAgain;
      if (pressed && document.activeElement === document.body) button.focus();
    }
    if (answer?.status === 401) return;
    const isLast = begun.get(id) === mine;
    if (answer?.said.status !== "PAID") {
      if (isLast && answer?.said.inReview) say(id, page.textInReview);
      else if (isLast && answer?.ok) say(id, pressed || document.getElementById("finish") ? page.textNotReceived : "");
      else if (isLast) say(id, answer ? answer.said.error || page.textBusy : page.textNetwork, { again: "check" });
      // It may have been paid in part, or withdrawn.
      return answer?.ok && refresh();
    }
    say(id, page.textActivating);
    following.add(id);
    await refresh();
    follow();
  }

  function comeBack() {
    if (document.visibilityState !== "visible") return;
    const meant = document.querySelectorAll("#finish .invoice");
    for (const row of meant) opened.add(row.dataset.invoiceId);
    for (const id of opened) check(id);
    if (document.querySelector("[data-state=activating]")) follow();
  }

  // Until the service is extended and the network knows: two minutes often, five more seldom, then the next visit shows it.
  let isFollowing = false;

  async function follow() {
    const waits = () => document.querySelector(".invoice[data-state=activating]") || [...following].some(isOpen);
    if (isFollowing) return;
    isFollowing = true;
    for (let turn = 0; turn < 90 && waits(); turn += 1) {
      await sleep(turn < 60 ? 2000 : 10000);
      await refresh();
    }
    isFollowing = false;
    following.clear();
  }

  // Live parts: fetched with the page, and put in place where the server's answer changed.
  const live = () => document.querySelectorAll("[data-live]");
  const shown = new Map([...live()].map((part) => [part.id, part.outerHTML]));

  async function refresh() {
    const answer = await fetch(location.href, { credentials: "same-origin", headers: { Accept: "text/html" } }).catch(() => null);
    if (answer?.redirected) return location.assign(answer.url);
    if (publicApi && answer?.status === 404) return location.reload();
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (fresh.querySelector("meta[name=csrf]")?.content !== token) return location.reload();
    for (const part of live()) {
      const next = fresh.getElementById(part.id);
      if (!next || next.outerHTML === shown.get(part.id)) continue;
      shown.set(part.id, next.outerHTML);
      // A row that is busy stays as it is, and is looked at again.
      if (part.querySelector(".invoice[aria-busy]")) shown.delete(part.id);
      swap(part, next);
    }
  }

  function swap(part, next) {
    const focused = part.contains(document.activeElement) && document.activeElement;
    const focusedRow = focused && focused.closest(".invoice")?.id;
    const like = focused && (focused.matches("summary") ? "summary" : focused.value ? `button[value="${focused.value}"]` : "button");
    const paid = [];
    for (const row of next.querySelectorAll(".invoice")) {
      const old = document.getElementById(row.id);
      if (!old) continue;
      if (old.hasAttribute("aria-busy")) {
        row.replaceWith(old);
      } else if (old.dataset.state === row.dataset.state) {
        row.querySelector("[data-message]").replaceWith(old.querySelector("[data-message]"));
        const methods = row.querySelector("details");
        if (methods) methods.open = old.querySelector("details").open;
      } else if (row.dataset.state === "paid") {
        paid.push(row.dataset.invoiceId);
      }
    }
    part.replaceWith(next);
    if (focused && !document.contains(focused)) {
      const row = focusedRow && document.getElementById(focusedRow);
      const goal = row?.querySelector(like) || row || next.querySelector("a, button") || next;
      if (goal === row || goal === next) goal.tabIndex = -1;
      goal.focus({ preventScroll: true });
    } else if (focused) {
      focused.focus({ preventScroll: true });
    }
    // A moment later, so that it is read out.
    setTimeout(() => paid.forEach((id) => say(id, page.textThanks)), 200);
  }

  // Which gateways can be chosen is asked when the customer wants to choose.
  let gateways;

  async function offerGateways(details) {
    gateways ||= call(publicApi ? publicApi + "gateways" : api + "invoices/payment/gateways").catch(() => null);
    const answer = await gateways;
    if (!answer?.ok) return (gateways = null);
    for (const button of details.querySelectorAll("[name=gateway]")) button.hidden = !answer.said.gateways.includes(button.value);
  }

  // The modem's status, in the server's own words. The panel is hidden while nothing is known, so that nothing moves.
  async function showDevice(panel) {
    const texts = panel.querySelector("dl").dataset;
    const places = [...panel.querySelectorAll("[data-device]")];
    panel.setAttribute("aria-busy", "true");
    for (const place of places) place.textContent = texts.textLoading;
    const answer = await call(api + "device").catch(() => null);
    const device = answer?.ok ? answer.said.device : null;
    const values = device ? readDevice(device) : {};
    // Where there is no room for ages, they are told when they matter.
    const withAges = "ages" in texts || device?.stale || device?.status === "offline";
    for (const place of places) showValue(place, values[place.dataset.device], texts.textNotAvailable, withAges);
    const note = panel.querySelector("[data-device-note]");
    note.textContent = device
      ? [device.staleText && device.staleText + ".", device.rxPower?.help].filter(Boolean).join(" ")
      : answer ? answer.said.error || page.textBusy : page.textNetwork;
    const again = panel.querySelector("[data-refresh]");
    if (again) again.disabled = !device;
    panel.removeAttribute("aria-busy");
    return Boolean(device);
  }

  function showValue(place, value, none, withAges) {
    const part = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
    place.replaceChildren(part("span", value?.text || none));
    delete place.dataset.tone;
    if (value?.text && value.tone) place.dataset.tone = value.tone;
    if (value?.text && value.ageText && withAges) place.append(" ", part("small", value.ageText));
  }

  const TONES = { online: "green", connected: "green", baik: "green", lemah: "yellow", buruk: "red", offline: "red", disconnected: "red" };

  function readDevice(device) {
    const { pppoe, rxPower: rx } = device;
    const [first] = device.wifi ?? [];
    // What an offline modem measured last says nothing of now.
    const isOnline = device.status === "online";
    const contact = device.lastInform && new Date(device.lastInform);
    return {
      status: { text: device.statusText, tone: TONES[device.status] },
      pppoe: pppoe && { text: pppoe.text, ageText: pppoe.ageText, tone: TONES[pppoe.status] },
      ip: pppoe && { text: pppoe.ip, ageText: pppoe.ipAgeText },
      rx: rx && { text: isOnline && rx.levelText ? `${rx.text} (${rx.levelText})` : rx.text, ageText: rx.ageText, tone: isOnline ? TONES[rx.level] : undefined },
      temperature: device.temperatureC,
      uptime: device.uptimeSeconds,
      connected: device.connectedDevices,
      model: { text: [device.manufacturer, device.model].filter(Boolean).join(" ") },
      serial: { text: device.serialNumber },
      ssids: first && { text: device.wifi.map((net) => (net.text ? `${net.ssid} (${net.text})` : net.ssid)).join("\n"), ageText: first.ageText },
      contact: { text: contact && contact.toLocaleString(lang, { dateStyle: "long", timeStyle: "short", timeZone: page.zone }) },
    };
  }

  // Has the modem tell everything anew, at once or with its next report.
  async function refreshDevice(button) {
    const panel = button.closest("[data-device-panel]");
    setBusy(button);
    const answer = await call(api + "device/refresh", {}).catch(() => null);
    if (answer?.status === 401) return;
    const { ok, said } = answer ?? { said: {} };
    const shown = ok && !said.queued ? await showDevice(panel) : true;
    release(button);
    button.disabled = false;
    const note = panel.querySelector("[data-device-note]");
    const message = said.message || said.error || (answer ? page.textBusy : page.textNetwork);
    if (shown) note.textContent = ok && !said.queued ? `${message}. ${note.textContent}` : message;
    if (document.activeElement === document.body) button.focus();
  }

  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    const id = form.closest(".invoice")?.dataset.invoiceId;
    if (form.matches("[data-pay]") && !submitter?.hasAttribute("formaction")) {
      event.preventDefault();
      pay(id, submitter?.name === "gateway" ? submitter.value : "");
    } else if (form.matches("[data-upgrade]")) {
      event.preventDefault();
      upgrade(form);
    } else if (form.matches("[data-check]")) {
      event.preventDefault();
      check(id, true);
    } else {
      sendOnce(event);
    }
  });
  document.addEventListener("click", (event) => {
    const { again, id, gateway, refresh: device } = event.target.dataset;
    if (device !== undefined) refreshDevice(event.target);
    if (again === "pay") pay(id, gateway);
    if (again === "check") check(id, true);
  });
  document.addEventListener("toggle", (event) => {
    if (event.target.matches(".methods[open]")) offerGateways(event.target);
  }, true);
  document.addEventListener("visibilitychange", comeBack);
  addEventListener("focus", comeBack);
  addEventListener("pageshow", comeBack);
  document.querySelectorAll("[data-device-panel]").forEach(showDevice);

  // What a form's answer said is said once.
  const address = new URL(location.href);
  if (address.searchParams.has("error")) {
    address.searchParams.delete("error");
    history.replaceState(null, "", address);
  }

  // Cookies can be gone although somebody was logged in on this phone: then too the login says that the session ended.
  const wasIn = "logged-in";
  if (page.zone) localStorage.setItem(wasIn, "1");
  if (document.getElementById("phone-form") && localStorage.getItem(wasIn)) {
    localStorage.removeItem(wasIn);
    if (!location.search && !document.querySelector("[role=alert]")) location.replace("/customer/login?ended=1");
  }
  document.querySelector("form[action='/customer/logout']")?.addEventListener("submit", () => localStorage.removeItem(wasIn));

  if (document.querySelector("[data-state=activating]")) follow();
  if (!publicApi) addEventListener("load", () => navigator.serviceWorker?.register("/sw.js", { scope: "/customer" }).catch(() => {}));
})();
