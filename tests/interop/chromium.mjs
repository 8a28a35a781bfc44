// Headless Chromium, with an eye on what it complains about and whom it talks to.
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { chromium } = createRequire(join(process.env.INTEROP_WORK, "node/"))("playwright-core");

// Chromium notes every answer that is not a success; a page that is meant to be one is no complaint.
const isPlainStatus = (text) => /^Failed to load resource: the server responded with a status of 40[034]/.test(text);

// A page, and what is seen through it; `width`, `height`, `scheme` and `scripts` are the window's.
export async function open({ width, height, scheme, scripts }) {
  const profile = mkdtempSync(join(tmpdir(), "rolegate-chromium-"));
  const seen = { pages: [], complaints: [], elsewhere: [], dialogs: [] };
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
    viewport: { width, height },
    colorScheme: scheme,
    javaScriptEnabled: scripts,
  });
  context.setDefaultTimeout(20_000);
  const page = context.pages()[0] ?? (await context.newPage());
  context.on("request", (request) => {
    if (new URL(request.url()).hostname !== "127.0.0.1") seen.elsewhere.push(request.url());
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !isPlainStatus(message.text()))
      seen.complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => seen.complaints.push(`${page.url()}: ${error}`));
  page.on("dialog", (dialog) => seen.dialogs.push(dialog.message()));
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, page, seen, close };
}
