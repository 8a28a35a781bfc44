// Goes to a web application that the broker lets people into, by npm's oidc-provider, and prints what it saw as JSON.
// usage: node visit.mjs '{"application": …, "place": …, "width": …, "height": …, "scheme": …, "scripts": …}'
import { open } from "./chromium.mjs";

const job = JSON.parse(process.argv[2]);
const { context, page, seen, close } = await open(job);

try {
  // The issuer's own pages want a font of somebody else's.
  const ours = ["127.0.0.1", "localhost"];
  await context.route((url) => !ours.includes(url.hostname), (route) => route.abort());
  const place = job.application + job.place;
  const arrived = async () => {
    await page.waitForURL(place);
    return JSON.parse(await page.locator("pre").innerText());
  };
  await page.goto(place);
  await page.waitForURL(/\/interaction\//);
  await page.getByPlaceholder("Enter any login").fill("ann");
  await page.getByPlaceholder("and password").fill("secret");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  seen.first = await arrived();
  seen.there = await context.cookies(job.application);
  // Signed out of the application alone, who is at the portal is let in again.
  await page.goto(`${job.application}/.rolegate/sign-out`);
  seen.signedOut = page.url();
  await page.goto(place);
  seen.second = await arrived();
  // A script of the application's page is told so, and goes nowhere.
  await context.clearCookies({ domain: "localhost" });
  if (job.scripts) seen.fetched = await page.evaluate(async () => (await fetch("/api")).status);
} catch (error) {
  seen.failure = `${page.url()}\n${error.stack ?? error}`;
} finally {
  await close();
}
console.log(JSON.stringify(seen));
