// Opens the page of the server in headless Chromium: node chromium.mjs URL PATH
import { chromium } from 'playwright-core';

const [url, path] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--ignore-certificate-errors'],
});
const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
await page.goto(url);
await page.evaluate((path) => window.talk(path), path);
await browser.close();
