// Opens pages in Chromium, in light and dark, wide and narrow, and lets axe-core look at
// them. Arguments: the browser, then files. Exit code 0 is fine, 1 has violations, 77 means
// that axe-core or playwright-core is not installed. With SHOTS=FOLDER in the environment,
// screenshots and PDFs are left there.
const path = require("node:path");
let axe, chromium;
try {
  axe = require("axe-core");
  ({ chromium } = require("playwright-core"));
} catch (error) {
  console.log(`axe-core and playwright-core are not to be found: ${error.message.split("\n")[0]}`);
  process.exit(77);
}

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SWITCHES = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

async function look(browser, file, colorScheme, width) {
  const wrong = [];
  const name = `${path.basename(file, ".html")} ${colorScheme} ${width}`;
  const strict = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  const asked = [];
  strict.on("request", (request) => asked.push(request.url()));
  strict.on("console", (message) => wrong.push(`${name}: console: ${message.text()}`));
  await strict.goto(`file://${file}`);
  if (asked.length !== 1) wrong.push(`${name}: also asked for ${asked.slice(1)}`);
  const layout = await strict.evaluate(() => ({
    styled: getComputedStyle(document.body).boxSizing === "border-box",
    wide: document.documentElement.scrollWidth - window.innerWidth,
  }));
  if (!layout.styled) wrong.push(`${name}: the style sheet is not applied`);
  if (layout.wide > 0) wrong.push(`${name}: the page is ${layout.wide} pixels too wide`);
  if (process.env.SHOTS) {
    const base = path.join(process.env.SHOTS, name.replaceAll(" ", "-"));
    await strict.screenshot({ path: `${base}.png`, fullPage: true });
    if (colorScheme === "light" && width > 1000) await strict.pdf({ path: `${base}.pdf`, format: "A4" });
  }
  await strict.close();
  // The page's own policy would keep axe out, too.
  const open = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
  const page = await open.newPage();
  await page.goto(`file://${file}`);
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  await page.evaluate(axe.source);
  const result = await page.evaluate((tags) => axe.run({ runOnly: tags }), TAGS);
  for (const violation of result.violations) {
    const node = violation.nodes[0];
    wrong.push(`${name}: ${violation.id} (${violation.nodes.length}): ${node.html} ${node.failureSummary}`);
  }
  await open.close();
  return wrong;
}

(async () => {
  const [executablePath, ...files] = process.argv.slice(2);
  const browser = await chromium.launch({ executablePath, args: SWITCHES });
  const wrong = [];
  for (const file of files)
    for (const colorScheme of ["light", "dark"])
      for (const width of [1280, 390]) wrong.push(...(await look(browser, file, colorScheme, width)));
  await browser.close();
  wrong.forEach((line) => console.log(line));
  process.exit(wrong.length ? 1 : 0);
})();
