// The README's picture: the dashboard of the demo's first customer, as a phone shows it.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

import { PHONE, launch } from './page.mjs';
import { ROOT, demo, newSession, site } from './stack.mjs';

const target = path.join(ROOT, 'docs/dashboard.png');
const browser = await launch();
try {
  const context = await browser.newContext({ viewport: PHONE, deviceScaleFactor: 2, baseURL: site, locale: 'id-ID' });
  await context.addCookies([{ name: 'session', value: await newSession(demo.customers[0]), url: site, httpOnly: true, sameSite: 'Lax' }]);
  const page = await context.newPage();
  await page.goto('/customer');
  await page.waitForLoadState('networkidle');
  const shot = await page.screenshot();
  const blank = await browser.newPage();
  const picture = indexed(await blank.evaluate(fewColours, shot.toString('base64')));
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, picture);
  console.log(`${target}: ${Math.round(picture.length / 1000)} KB`);
} finally {
  await browser.close();
}

/** Runs in a page: the picture with its 256 most frequent colours, all others replaced by the nearest of them. */
async function fewColours(base64) {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  canvas.drawImage(bitmap, 0, 0);
  const { data } = canvas.getImageData(0, 0, bitmap.width, bitmap.height);
  // Neighbouring shades count as one.
  const shade = (at) => ((data[at] >> 2) << 12) | ((data[at + 1] >> 2) << 6) | (data[at + 2] >> 2);
  const groups = new Map();
  for (let at = 0; at < data.length; at += 4) {
    const group = groups.get(shade(at)) ?? { count: 0, colour: [data[at], data[at + 1], data[at + 2]] };
    group.count += 1;
    groups.set(shade(at), group);
  }
  const palette = [...groups.values()].sort((a, b) => b.count - a.count).slice(0, 256).map((group) => group.colour);
  const distance = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
  for (const group of groups.values()) group.index = palette.reduce((best, colour, index) => (distance(colour, group.colour) < distance(palette[best], group.colour) ? index : best), 0);
  const pixels = [];
  for (let at = 0; at < data.length; at += 4) pixels.push(groups.get(shade(at)).index);
  return { width: bitmap.width, height: bitmap.height, palette, pixels };
}

/** A PNG with a palette (RFC 2083): a quarter of what the browser writes. */
function indexed({ width, height, palette, pixels }) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) rows.set(pixels.slice(y * width, (y + 1) * width), y * (width + 1) + 1);
  const parts = [chunk('IHDR', header), chunk('PLTE', Buffer.from(palette.flat())), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...parts]);
}
