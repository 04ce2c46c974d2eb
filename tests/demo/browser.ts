/**
 * Headless Chromium, driven by its DevTools protocol: a real browser for tests of pages.
 *
 * @module
 */
import { BuildError } from "../../build/errors.ts";
import { ensureDebianPackages } from "../../build/install.ts";

/** How long Chromium may take to start and to answer, in milliseconds. */
const TIMEOUT_MS = 60_000;
const POLL_MS = 20;

/** One message from the browser. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** An event that the browser reported, such as `Network.requestWillBeSent`. */
export interface BrowserEvent {
  readonly method: string;
  readonly params: unknown;
}

/**
 * Finds Chromium; installs Debian's package where there is none.
 *
 * @returns its path, or undefined and a line on the console why there is none
 */
export async function findChromium(): Promise<string | undefined> {
  const found = await which("chromium");
  if (found) return found;
  let reason = "Debian's package chromium is installed, but there is no chromium on PATH";
  try {
    await ensureDebianPackages(["chromium"]);
    const installed = await which("chromium");
    if (installed) return installed;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    reason = error.message;
  }
  console.log(`SKIPPED: tests in a browser: ${reason}`);
  return undefined;
}

async function which(name: string): Promise<string | undefined> {
  for (const directory of (Deno.env.get("PATH") ?? "").split(":").filter((part) => part !== "")) {
    const path = `${directory}/${name}`;
    if (await Deno.stat(path).then((info) => info.isFile, () => false)) return path;
  }
  return undefined;
}

/** One page in a browser of its own. */
export class BrowserPage {
  /** Everything that the browser reported so far. */
  readonly events: BrowserEvent[] = [];
  readonly #answers = new Map<number, (message: Message) => void>();
  #last = 0;

  private constructor(
    readonly process: Deno.ChildProcess,
    readonly directory: string,
    readonly socket: WebSocket,
  ) {
    socket.addEventListener("message", ({ data }) => {
      const message: Message = JSON.parse(String(data));
      if (message.id !== undefined) this.#answers.get(message.id)?.(message);
      else if (message.method !== undefined) this.events.push({ method: message.method, params: message.params });
    });
  }

  /**
   * Starts Chromium with an empty page and an empty profile.
   *
   * @param chromium its path
   */
  static async open(chromium: string): Promise<BrowserPage> {
    const directory = await Deno.makeTempDir({ prefix: "charmlet-chromium-" });
    const process = new Deno.Command(chromium, {
      args: [
        "--headless",
        ...(Deno.uid() === 0 ? ["--no-sandbox"] : []),
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--remote-debugging-port=0",
        "--window-size=1280,900",
        `--user-data-dir=${directory}`,
        "about:blank",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const page = new BrowserPage(process, directory, await connect(directory));
      for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.send(`${domain}.enable`);
      return page;
    } catch (error) {
      process.kill("SIGKILL");
      await process.status;
      await Deno.remove(directory, { recursive: true });
      throw error;
    }
  }

  /**
   * Sends a command of the protocol.
   *
   * @param method such as `Page.navigate`
   * @param params its parameters
   * @throws {Error} the browser refuses it
   */
  async send(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#last;
    const answer = new Promise<Message>((resolve) => this.#answers.set(id, resolve));
    this.socket.send(JSON.stringify({ id, method, params }));
    const { result = {}, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /**
   * Opens an address and waits until it is loaded.
   *
   * @param url the address
   */
  async navigate(url: string): Promise<void> {
    await this.send("Page.navigate", { url });
    await poll(`the end of loading ${url}`, async () => {
      const isLoaded = await this.evaluate(
        `location.href === ${JSON.stringify(url)} && document.readyState === "complete"`,
      );
      return isLoaded === true ? true : undefined;
    });
  }

  /**
   * Value of an expression in the page.
   *
   * @param expression JavaScript
   * @throws {Error} it throws
   */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return typeof result === "object" && result !== null && "value" in result ? result.value : undefined;
  }

  /**
   * Moves the mouse to the middle of an element.
   *
   * @param selector the element
   */
  async hover(selector: string): Promise<void> {
    const middle = await this.evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: "center", inline: "center" });
      const { x, y, width, height } = element.getBoundingClientRect();
      return [x + width / 2, y + height / 2];
    })()`);
    const [x, y] = Array.isArray(middle) ? middle : [];
    await this.send("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
  }

  /**
   * Presses a key that has no character, such as `ArrowRight` or `Tab`.
   *
   * @param key name of the key
   * @param code its virtual key code
   */
  async press(key: string, code: number): Promise<void> {
    const params = { key, code: key, windowsVirtualKeyCode: code };
    await this.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...params });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...params });
  }

  /** Ends the browser and removes its profile. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.socket.addEventListener("close", resolve));
    this.socket.send(JSON.stringify({ id: ++this.#last, method: "Browser.close" }));
    await Promise.all([closed, this.process.status]);
    // One of its helpers may still write there.
    await poll("the profile to be removed", async () => {
      return await Deno.remove(this.directory, { recursive: true }).then(() => true, () => undefined);
    });
  }
}

/** Chromium writes its port into its profile. */
async function connect(directory: string): Promise<WebSocket> {
  const port = await poll("Chromium's DevTools port", async () => {
    const text = await Deno.readTextFile(`${directory}/DevToolsActivePort`).catch(() => "");
    return /^(\d+)\n/.exec(text)?.[1];
  });
  const url = await poll("Chromium's page", async () => {
    const targets: { type: string; webSocketDebuggerUrl: string }[] =
      await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
    return targets.find(({ type }) => type === "page")?.webSocketDebuggerUrl;
  });
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error(`no connection to ${url}`)));
  });
  return socket;
}

async function poll<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + TIMEOUT_MS;
  while (performance.now() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${what}: nothing after ${TIMEOUT_MS / 1000} s`);
}
