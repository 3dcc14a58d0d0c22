// Opens a page in headless Chromium: node chromium.mjs URL ACTION [HAR]
import { chromium } from 'playwright-core';
import { flags, servePages, talk } from './page.mjs';

const [url, action, har] = process.argv.slice(2);
const pages = await servePages();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
const context = await browser.newContext(har ? { recordHar: { path: har, content: 'embed' } } : {});
const page = await context.newPage();
await page.goto(pages.url);
await page.evaluate(talk, [url, action]);
await context.close();
await browser.close();
pages.close();
