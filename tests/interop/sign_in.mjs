// Signs in through npm's oidc-provider and out again, in headless Chromium, and prints what it saw as JSON.
// usage: node sign_in.mjs '{"broker": …, "label": …, "role": …, "width": …, "height": …, "scheme": …, "scripts": …}'
import { open } from "./chromium.mjs";

const job = JSON.parse(process.argv[2]);
const { context, page, seen, close } = await open(job);

try {
  // The issuer's own pages want a font of somebody else's.
  await context.route((url) => url.hostname !== "127.0.0.1", (route) => route.abort());
  const look = async () => {
    await page.waitForLoadState("load");
    const url = new URL(page.url());
    seen.pages.push({
      origin: url.origin,
      path: url.pathname,
      heading: await page.locator("h1").first().innerText(),
      text: await page.locator("body").innerText(),
    });
  };
  const to = (url) => page.waitForURL(url);
  await page.goto(`${job.broker}/portal`);
  await look();
  await page.getByRole("link", { name: job.label }).click();
  await to(/\/interaction\//);
  await look();
  await page.getByPlaceholder("Enter any login").fill("ann");
  await page.getByPlaceholder("and password").fill("secret");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).waitFor();
  await look();
  await page.getByRole("button", { name: "Continue" }).click();
  await to(/\/portal$/);
  await look();
  await page.locator(`button[name=role][value="${job.role}"]:not([formaction])`).last().click();
  await to(/\/console$/);
  await look();
  seen.cookies = (await context.cookies(job.broker)).filter(({ name }) => name.startsWith("rolegate"));
  await page.getByRole("button", { name: "Sign out" }).click();
  await to(/\/session\/end/);
  await look();
  await page.getByRole("button", { name: "Yes, sign me out" }).click();
  await to(/\/signed-out/);
  await look();
  await page.goto(`${job.broker}/console`);
  await look();
} catch (error) {
  seen.failure = String(error.stack ?? error);
} finally {
  await close();
}
console.log(JSON.stringify(seen));
