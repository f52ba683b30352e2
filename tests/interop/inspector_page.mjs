// Drives the Inspector's page: connects, lists tools, runs `codex`, answers approvals, looks at the messages.
// Arguments: node_modules with the browser, the page's address, a folder for screenshots.
// Prints a JSON object for every check: {check, passed, detail}. The first that cannot be made ends it with status 1.

import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, address, screenshots] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(path.join(modules, file)));
const { default: chromium } = await load("@sparticuz/chromium/build/index.js");
const { chromium: launcher } = await load("playwright-core/index.mjs");

const browser = await launcher.launch({
  executablePath: await chromium.executablePath(),
  args: chromium.args,
  headless: true,
});
const page = await browser.newPage({ viewport: { width: 1600, height: 1100 } });
page.setDefaultTimeout(20_000);

const check = (what, passed, detail = "") => console.log(JSON.stringify({ check: what, passed, detail }));
const shot = (name) => page.screenshot({ path: path.join(screenshots, `${name}.png`) });
const tab = (name) => page.locator("label").getByText(name, { exact: true }).click();
const dialog = page.getByRole("dialog");

async function choose(field, option) {
  await page.getByRole("textbox", { name: field, exact: true }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

async function execute(prompt) {
  await page.getByRole("textbox", { name: "prompt", exact: true }).fill(prompt);
  await page.getByRole("button", { name: "Execute Tool" }).click();
}

// Answers the approval that the page shows, by that button of the dialog.
async function answer(button) {
  await dialog.getByRole("button", { name: button, exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
}

// The result as the page shows it, once it holds that text; then back to the form.
async function result(text, picture) {
  const shown = page.getByText(text).last();
  await shown.waitFor();
  const told = await shown.innerText();
  await shot(picture);
  await page.getByRole("button", { name: /results/i }).click();
  return told;
}

try {
  await page.goto(address);
  await page.getByRole("switch", { name: /Connect or disconnect/ }).click({ force: true });
  const connected = page.getByText(/^Connected \(/);
  await connected.waitFor();
  check("connect", true, await connected.innerText());

  await tab("Tools");
  const tools = page.getByRole("heading", { name: /^Tools \(/ });
  await tools.waitFor();
  check("list tools", (await tools.innerText()) === "Tools (10)", await tools.innerText());
  await tab("Protocol");
  await page.getByRole("button", { name: /^Codex codex( |$)/ }).click();
  await choose("approval-policy", "on-request");
  await choose("sandbox", "read-only");
  await shot("1-tools");

  await execute("interop greet");
  check("run codex", true, await result("Hello from the script.", "2-answer"));

  await execute("interop approve");
  const question = dialog.getByText(/Allow Codex to run/);
  await question.waitFor();
  const asked = await question.innerText();
  check("an approval is asked for", asked.includes("touch approved.txt") && asked.includes("to leave a mark"), asked);
  const decision = await dialog.getByRole("textbox", { name: "Decision" }).inputValue();
  check("the form says what it will answer", decision === "Approve", decision);
  await shot("3-approval");
  await answer("Submit");
  await result("Done.", "4-approved");
  check("approve", true);

  await execute("interop decline");
  await question.waitFor();
  await answer("Decline");
  await result(/deniedApprovals/, "5-declined");
  check("decline", true);

  for (const method of ["codex/event", "notifications/progress", "elicitation/create"]) {
    const messages = await page.getByText(method, { exact: true }).count();
    check(`${method} is shown`, messages > 0, `${messages} messages`);
  }

  for (const list of ["Prompts", "Resources"]) {
    await tab(list);
    await page.getByRole("heading", { name: new RegExp(`^${list}`) }).first().waitFor();
    check(`list ${list.toLowerCase()}`, true);
    await shot(`6-${list.toLowerCase()}`);
  }
  await page.getByRole("button", { name: "Disconnect from server" }).click();
  await page.getByText("Disconnected").first().waitFor();
  check("disconnect", true);
} catch (error) {
  await shot("failed");
  check("the page shows what it should", false, String(error));
  process.exitCode = 1;
} finally {
  await browser.close();
}
