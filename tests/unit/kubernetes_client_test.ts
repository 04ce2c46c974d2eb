/** The Kubernetes client against a strict stand-in for the API server. */
import { assertEquals, assertNotMatch, assertRejects } from "@std/assert";
import {
  isKubernetes,
  type Kubernetes,
  type KubernetesOptions,
  openKubernetes,
  patroniPodLabels,
} from "../../interfaces/clients/kubernetes/client.ts";
import { KubernetesError } from "../../interfaces/clients/kubernetes/errors.ts";
import {
  CertificateError,
  ClientTimeoutError,
  InputError,
  ReplyError,
  UnreachableError,
} from "../../interfaces/clients/errors.ts";
import { type KubernetesApi, NAMESPACE, refuse, startKubernetesApi } from "./kubernetes_api.ts";

const LABELS = patroniPodLabels("pg-k8s");

function addPod(api: KubernetesApi, name: string, labels: Record<string, string> = {}): void {
  api.pods.set(name, { metadata: { name, labels, resourceVersion: "7" } });
}

function open({ port, directory }: KubernetesApi, options: KubernetesOptions = {}): Promise<Kubernetes> {
  return openKubernetes({ host: "127.0.0.1", port, directory, ...options });
}

Deno.test("labels are added to a pod, others stay, and a second time changes nothing", async () => {
  await using api = await startKubernetesApi();
  addPod(api, "pg-k8s-2", { "app.kubernetes.io/name": "pg-k8s" });
  using kubernetes = await open(api);
  assertEquals([kubernetes.namespace, await isKubernetes(api.directory)], [NAMESPACE, true]);
  const all = { "app.kubernetes.io/name": "pg-k8s", application: "patroni", "cluster-name": "patroni-pg-k8s" };
  assertEquals(await kubernetes.patchPodLabels("pg-k8s-2", LABELS), all);
  assertEquals(await kubernetes.patchPodLabels("pg-k8s-2", LABELS), all);
  assertEquals(api.pods.get("pg-k8s-2")?.metadata.resourceVersion, "8");
  assertEquals(api.requests[0], {
    method: "PATCH",
    path: "/api/v1/namespaces/model/pods/pg-k8s-2",
    contentType: "application/strategic-merge-patch+json",
    body: JSON.stringify({ metadata: { labels: LABELS } }),
    status: 200,
  });
});

Deno.test("the token is read for each request, because it changes", async () => {
  await using api = await startKubernetesApi();
  addPod(api, "pg-0");
  using kubernetes = await open(api);
  await kubernetes.patchPodLabels("pg-0", LABELS);
  await api.rotate("token-2");
  await kubernetes.patchPodLabels("pg-0", LABELS);
  assertEquals(api.requests.map(({ status }) => status), [200, 200]);
});

async function refused(kubernetes: Kubernetes, pod = "pg-0"): Promise<[number, string]> {
  const error = await assertRejects(() => kubernetes.patchPodLabels(pod, LABELS), KubernetesError);
  assertNotMatch(error.message, /secret-name|token-/);
  return [error.status, error.reason];
}

Deno.test("each refusal of the API has its own reason", async () => {
  await using api = await startKubernetesApi();
  addPod(api, "pg-0");
  using kubernetes = await open(api);
  assertEquals(await refused(kubernetes, "pg-1"), [404, "NotFound"]);
  using elsewhere = await open(api, { namespace: "another" });
  assertEquals(await refused(elsewhere), [403, "Forbidden"]);
  await Deno.writeTextFile(`${api.directory}/token`, "token-0");
  assertEquals(await refused(kubernetes), [401, "Unauthorized"]);
  await api.rotate("token-3");
  api.distrust();
  assertEquals(await refused(kubernetes), [403, "Forbidden"]);
  const statuses: [number, string][] = [
    [400, "BadRequest"],
    [405, "MethodNotAllowed"],
    [409, "Conflict"],
    [415, "UnsupportedMediaType"],
    [422, "Invalid"],
    [429, "TooManyRequests"],
    [500, "InternalError"],
    [503, "ServiceUnavailable"],
    [418, "Teapot"],
  ];
  const told = [];
  for (const [status, reason] of statuses) {
    api.answer(() => refuse(status, reason));
    told.push(await refused(kubernetes));
  }
  assertEquals(told, [
    ...statuses.slice(0, 6),
    [500, "ServerError"],
    [503, "ServerError"],
    [418, "Unknown"],
  ]);
});

Deno.test("the stand-in itself is strict", async () => {
  await using api = await startKubernetesApi();
  addPod(api, "pg-0", { a: "b" });
  const client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${api.directory}/ca.crt`)] });
  const ask = async (body: string, change: { method?: string; type?: string; token?: string } = {}) => {
    const { method = "PATCH", type = "application/merge-patch+json", token = "token-1" } = change;
    const headers = { "authorization": `Bearer ${token}`, "content-type": type };
    const url = `https://127.0.0.1:${api.port}/api/v1/namespaces/model/pods/pg-0`;
    const response = await fetch(url, { client, method, headers, body });
    await response.body?.cancel();
    return response.status;
  };
  const labels = (value: unknown, more: object = {}) => JSON.stringify({ metadata: { labels: { x: value }, ...more } });
  assertEquals(await ask(labels("y")), 200);
  assertEquals(api.pods.get("pg-0")?.metadata, { name: "pg-0", labels: { a: "b", x: "y" }, resourceVersion: "8" });
  assertEquals(await ask(labels(null, { resourceVersion: "8" })), 200);
  assertEquals(api.pods.get("pg-0")?.metadata, { name: "pg-0", labels: { a: "b" }, resourceVersion: "9" });
  const statuses = [
    await ask(labels("y", { resourceVersion: "8" })),
    await ask("{"),
    await ask(labels("-y")),
    await ask(labels("y".repeat(64))),
    await ask(labels("y"), { type: "application/json" }),
    await ask(labels("y"), { method: "PUT" }),
    await ask(labels("y"), { token: "token-2" }),
  ];
  assertEquals(statuses, [409, 400, 422, 422, 415, 405, 401]);
  client.close();
});

Deno.test("an answer that confirms nothing is no success", async () => {
  await using api = await startKubernetesApi();
  using kubernetes = await open(api);
  const answers = [
    () => new Response("<html>"),
    () => Response.json({ kind: "Pod", metadata: { name: "pg-0", labels: { application: "patroni" } } }),
    () => Response.json({ kind: "Pod", metadata: { name: "pg-1", labels: LABELS } }),
    () => Response.json({ kind: "Status", status: "Success" }),
    () => new Response(null, { status: 307, headers: { location: "https://127.0.0.1:1/" } }),
    () => new Response("x".repeat(2_000_000)),
  ];
  for (const answer of answers) {
    api.answer(answer);
    await assertRejects(() => kubernetes.patchPodLabels("pg-0", LABELS), ReplyError);
  }
});

Deno.test("an API that is not there, not trusted or silent is told apart", async () => {
  await using api = await startKubernetesApi();
  using nobody = await open(api, { port: 1 });
  await assertRejects(() => nobody.patchPodLabels("pg-0", LABELS), UnreachableError, "connection refused");
  using otherName = await open(api, { host: "localhost" });
  await assertRejects(() => otherName.patchPodLabels("pg-0", LABELS), CertificateError);
  const gate = Promise.withResolvers<Response>();
  api.answer(() => gate.promise);
  using hurried = await open(api, { timeoutMs: 100 });
  const error = await assertRejects(() => hurried.patchPodLabels("pg-0", LABELS), ClientTimeoutError);
  assertEquals(error.outcomeUnknown, true);
  gate.resolve(new Response());
});

Deno.test("names, labels and identities that cannot be used are refused before anything is sent", async () => {
  await using api = await startKubernetesApi();
  using kubernetes = await open(api);
  for (const pod of ["", "a/b", "../pods", "A", "a b", "x".repeat(254), "a?b"]) {
    await assertRejects(() => kubernetes.patchPodLabels(pod, LABELS), InputError);
  }
  for (const value of ["-a", "a b", "x".repeat(64), "ü", "a\n"]) {
    await assertRejects(() => kubernetes.patchPodLabels("pg-0", { application: value }), InputError);
  }
  await assertRejects(() => kubernetes.patchPodLabels("pg-0", { "a b": "c" }), InputError);
  await Deno.writeTextFile(`${api.directory}/token`, "two\r\nlines");
  await assertRejects(() => kubernetes.patchPodLabels("pg-0", LABELS), InputError);
  assertEquals(api.requests.length, 0);
  await assertRejects(() => open(api, { namespace: "A/B" }), InputError);
  await assertRejects(() => open(api, { directory: "/nonexistent" }), InputError, "--trust");
  assertEquals(await isKubernetes("/nonexistent"), false);
  await Deno.writeTextFile(`${api.directory}/ca.crt`, "no PEM");
  await assertRejects(() => open(api), InputError);
});
