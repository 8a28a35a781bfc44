// Walks through the demo as a person would, in headless Chromium, and prints what it saw as JSON.
// usage: node browser.mjs '{"portal": …, "shots": …, "width": …, "height": …, "scheme": …, "scripts": …}'
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { open } from "./chromium.mjs";

const axe = createRequire(join(process.env.INTEROP_WORK, "node/")).resolve("axe-core/axe.min.js");
const job = JSON.parse(process.argv[2]);
const { context, page, seen, close } = await open(job);

try {
  // What a page is, and a picture of it.
  const look = async (name) => {
    await page.waitForLoadState("load");
    const facts = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      small: [...document.querySelectorAll("a.button, button, .saml-role")]
        .map((each) => each.getBoundingClientRect())
        .filter((box) => box.height > 0 && box.height < 40).length,
      unlabelled: [...document.querySelectorAll("input:not([type=hidden])")].filter((each) => !each.labels.length).length,
    }));
    // What axe finds in it: rules of WCAG 2.2 and what is good practice.
    const violations = async () => {
      if (!job.scripts) return [];
      await page.evaluate(readFileSync(axe, "utf8"));
      const found = await page.evaluate(async () => (await axe.run(document)).violations);
      return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
    };
    seen.pages.push({
      name,
      violations: await violations(),
      path: new URL(page.url()).pathname,
      title: await page.title(),
      heading: await page.locator("h1").first().innerText(),
      text: await page.locator("body").innerText(),
      ...facts,
    });
    await page.screenshot({ path: `${job.shots}-${name}.png`, fullPage: true });
  };
  // The demo provider asks who one is; its page to the ACS sends itself where scripts run.
  const continueAs = async (person, saml) => {
    await page.getByRole("button", { name: `Continue as ${person}` }).click();
    if (saml && !job.scripts) await page.locator("form button").click();
    await page.waitForURL((url) => url.origin === new URL(job.portal).origin);
  };
  // By keyboard alone: to the link or button of that name.
  const tabTo = async (locator) => {
    for (let presses = 0; presses < 30; presses++) {
      await page.keyboard.press("Tab");
      if (await locator.evaluate((element) => element === document.activeElement)) return;
    }
    throw new Error("the keyboard does not lead there");
  };

  // The button of the list that opens a role, or gives its credentials.
  const button = (what, role) => page.getByRole("button", { name: new RegExp(`^${what} ${role} in `) }).last();
  const signOut = () => page.getByRole("button", { name: "Sign out" }).click();

  await page.goto(job.portal);
  await look("1-portal");
  await tabTo(page.getByRole("link", { name: "Company sign-in (SAML)" }));
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/saml\/sso/);
  await look("2-provider");
  const provider = new URL(page.url()).origin;
  await continueAs("Ann Keller", true);
  await page.waitForURL(/\/portal$/);
  await look("3-roles");
  await tabTo(page.getByRole("searchbox"));
  await page.keyboard.type("read");
  // Found while one types, where scripts run.
  if (!job.scripts) await page.keyboard.press("Enter");
  await page.waitForURL(/\/portal\?q=read$/);
  await page.getByRole("heading", { name: "Found" }).waitFor();
  await look("3a-found");
  await tabTo(button("Open", "ReadOnly"));
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/console$/);
  await look("4-console");
  await page.getByRole("link", { name: "Your sessions" }).click();
  await page.waitForURL(/\/portal\/sessions$/);
  // What was recorded is shown a moment later.
  for (let looks = 0; looks < 100 && !(await page.getByText("ReadOnly in prod").count()); looks++) await page.reload();
  await look("4a-sessions");
  await page.getByRole("link", { name: "Back to your roles" }).click();
  await page.waitForURL(/\/portal$/);
  const star = page.getByRole("button", { name: /^Favourite: Deploy in / }).first();
  await star.click();
  await page.getByRole("heading", { name: "Favourites" }).waitFor();
  await look("5-portal-signed-in");
  // The next walk finds it as this one did.
  await star.click();
  await page.getByRole("heading", { name: "Favourites" }).waitFor({ state: "detached" });
  await button("Credentials of", "Deploy").click();
  await page.waitForURL(/\/portal\/credentials$/);
  await look("5a-credentials");
  if (job.scripts) {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy" }).first().click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    seen.copied = await page.evaluate(() => navigator.clipboard.readText());
  }
  // A second console beside the first, and a role that is not Ann's.
  await page.goto(job.portal);
  await button("Open", "Deploy").click();
  await page.waitForURL(/\/console$/);
  await look("5b-side-by-side");
  await page.getByRole("link", { name: "ReadOnly" }).click();
  await page.waitForURL(/\/console\?of=/);
  seen.other = await page.locator("h1").innerText();
  await page.goto(job.portal);
  await page.getByRole("link", { name: "Why do I not see a role?" }).click();
  await page.getByRole("searchbox").fill("Auditor");
  await page.keyboard.press("Enter");
  await page.getByRole("status").waitFor();
  await look("5c-why");
  await signOut();
  await page.waitForURL(/\/saml\/corp\/slo/);
  await look("6-signed-out");
  await page.goto(new URL("/console", job.portal).href);
  await look("7-after");

  await page.getByRole("link", { name: "Staff sign-in (OpenID Connect)" }).click();
  await page.waitForURL(/\/authorize/);
  await continueAs("Ann Keller", false);
  await page.waitForURL(/\/portal$/);
  await look("8-oidc-roles");
  await button("Open", "Developer").click();
  await page.waitForURL(/\/console$/);
  await look("9-oidc-console");
  await signOut();
  await page.waitForURL(/\/oidc\/staff\/signed-out/);
  await look("10-oidc-signed-out");

  // To a provider at once: a picker where there is something to pick, else the console.
  await page.goto(new URL("/saml/corp/login", job.portal).href);
  await continueAs("Ann Keller", true);
  await look("11-picker");
  await tabTo(page.locator("input[name=roleIndex]").first());
  await page.keyboard.press("ArrowDown");
  seen.chosen = await page.locator("input[name=roleIndex]:checked").getAttribute("value");
  await page.screenshot({ path: `${job.shots}-11-picker-keyboard.png`, fullPage: true });
  await tabTo(page.locator("#signin_button"));
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/console$/);
  await look("11a-picked");
  await signOut();
  await page.goto(new URL("/saml/corp/login", job.portal).href);
  await continueAs("Ben Okafor", true);
  await page.waitForURL(/\/console$/);
  await look("11b-one-role");
  seen.cookies = (await context.cookies()).map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }));
  await page.goto(new URL("/federation?Action=logout", job.portal).href);
  await page.getByRole("link", { name: "Company sign-in (SAML)" }).click();
  await continueAs("Cleo Marin", true);
  await look("12-no-role");
  // A link to a role leads there by way of a sign-in.
  await page.goto(new URL("/go/deploy", job.portal).href);
  await page.waitForURL(/\/saml\/sso/);
  await continueAs("Ann Keller", true);
  await page.waitForURL(/\/console$/);
  await look("12a-link");
  await page.goto(new URL("/go/deploy?destination=https://evil.example/", job.portal).href);
  await look("12b-link-elsewhere");
  await page.goto(job.portal);
  await signOut();
  await page.goto(new URL("/no-such-page", job.portal).href);
  await look("13-not-found");

  // The request leaves in a form, which sends itself where scripts run.
  await page.goto(job.portal);
  // Whose button is for some: they type their address.
  await page.getByRole("textbox", { name: "Your mail address at work" }).fill("ann@nowhere.example");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await look("13a-mail-unknown");
  await page.getByRole("textbox", { name: "Your mail address at work" }).fill("ann@sandbox.example");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Company sign-in to the sandbox (SAML)" }).waitFor();
  await look("13b-mail");
  await page.getByRole("link", { name: "Company sign-in to the sandbox (SAML)" }).click();
  if (!job.scripts) {
    await look("14-form");
    await page.getByRole("button", { name: "Continue" }).click();
  }
  await page.waitForURL(/\/saml\/sso/);
  await continueAs("Ann Keller", true);
  await page.waitForURL(/\/portal$/);
  await button("Open", "Developer").click();
  await page.waitForURL(/\/console$/);
  await look("15-form-console");

  await signOut();
  await page.goto(job.portal);

  // Ben is in charge: how the broker does, who is signed in, why somebody is refused, what would change.
  await page.getByRole("link", { name: "Company sign-in (SAML)" }).click();
  await page.waitForURL(/\/saml\/sso/);
  await continueAs("Ben Okafor", true);
  await page.waitForURL(/\/portal$/);
  await page.getByRole("link", { name: "Admin" }).click();
  await look("15a-admin");
  await page.getByRole("link", { name: "Sessions", exact: true }).click();
  await page.getByLabel("Its name for the person").fill("ben@demo.example");
  await page.getByRole("button", { name: "Show" }).click();
  for (let looks = 0; looks < 100 && !(await page.getByText("At the portal").count()); looks++) await page.reload();
  await look("15b-admin-sessions");
  await page.getByRole("link", { name: "Explain" }).click();
  const response = await context.request.get(`${provider}/saml-response/ann`);
  await page.getByLabel("SAML response or ID token").fill(await response.text());
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByRole("heading", { name: "The report" }).waitFor();
  await look("15c-admin-explain");
  await page.getByRole("link", { name: "Changes" }).click();
  await page.getByLabel(/^Who gains and loses/).fill('[[case]]\nname = "Ann"\nprovider = "corp"\nsubject = "ann"\nattributes = { groups = ["platform"] }\n');
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByText("Ann: nothing changes").waitFor();
  await look("15d-admin-rules");
  await page.goto(job.portal);
  await signOut();

  // A command line shows codes; people answer by keyboard, by SAML and by OpenID Connect.
  const ask = async (path, fields) => {
    const form = { client_id: "demo-cli", ...fields };
    const answer = await context.request.post(new URL(path, job.portal).href, { form });
    return [answer.status(), await answer.json()];
  };
  const collect = (begun) =>
    ask("/oauth2/token", {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: begun.device_code,
    });
  const wanted = { requested_token_type: "urn:rolegate:params:oauth:token-type:aws-credentials" };
  const [, approved] = await ask("/oauth2/device_authorization", wanted);
  await page.goto(approved.verification_uri);
  const focused = page.locator("#user_code:focus");
  await focused.waitFor();
  await look("16-device");
  await page.keyboard.type("bcdf ghjk");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await look("17-device-wrong");
  await page.goto(approved.verification_uri_complete);
  await focused.waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("A device asks to be signed in").waitFor();
  await look("18-device-asked");
  await tabTo(page.getByRole("link", { name: "Company sign-in (SAML)" }));
  await page.keyboard.press("Enter");
  await continueAs("Ann Keller", true);
  await look("19-device-approve");
  await tabTo(page.locator("input[name=roleIndex]").first());
  await page.keyboard.press("ArrowDown");
  await tabTo(page.getByRole("button", { name: "Approve" }));
  await page.keyboard.press("Enter");
  await page.getByText("The device is signed in").waitFor();
  await look("20-device-approved");
  const [status, given] = await collect(approved);
  seen.device = { status, version: given.credentials?.Version };

  const [, denied] = await ask("/oauth2/device_authorization", wanted);
  await page.goto(denied.verification_uri_complete);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("link", { name: "Staff sign-in (OpenID Connect)" }).click();
  await page.waitForURL(/\/authorize/);
  await continueAs("Ann Keller", false);
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByText("The device was denied").waitFor();
  await look("21-device-denied");
  seen.denied = (await collect(denied)).map((part) => part.error ?? part);
} catch (error) {
  seen.failure = String(error.stack ?? error);
} finally {
  await close();
}
console.log(JSON.stringify(seen));
