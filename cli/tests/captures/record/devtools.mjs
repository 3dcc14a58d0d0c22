// Exports the conversation of a page with Chrome DevTools: node devtools.mjs URL ACTION HAR
import fs from 'node:fs';
import { chromium } from 'playwright-core';
import { flags, servePages, talk } from './page.mjs';

const [url, action, har] = process.argv.slice(2);
const pages = await servePages();
const port = Number(new URL(url).port) + 1;
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [...flags, `--remote-debugging-port=${port}`, '--remote-allow-origins=*'],
});
const context = await browser.newContext();
const page = await context.newPage();
const session = await context.newCDPSession(page);
const { targetInfo } = await session.send('Target.getTargetInfo');

// The front-end in a second page inspects the first page.
const host = `127.0.0.1:${port}`;
const front = await context.newPage();
await front.goto(`http://${host}/devtools/devtools_app.html?ws=${host}/devtools/page/${targetInfo.targetId}`);
await front.waitForTimeout(2000);
await page.goto(pages.url);
await page.evaluate(talk, [url, action]);
await front.waitForTimeout(500);

// The function behind "Export HAR (sanitized)".
const text = await front.evaluate(async () => {
  const { NetworkLog } = await import('./models/logs/logs.js');
  const { Writer } = await import('./models/har/har.js');
  const parts = [];
  await Writer.Writer.write({ write: async (part) => parts.push(part) },
    NetworkLog.NetworkLog.instance().requests(), { sanitize: true },
    { isCanceled: () => false, createSubProgress() { return this; } });
  return parts.join('');
});
fs.writeFileSync(har, text);

await browser.close();
pages.close();
