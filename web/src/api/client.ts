/** Requests to the review server, and what it refuses as errors. */

/** The server refused a request; `message` is its sentence with the cure. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(
    readonly status: number,
    readonly kind: string,
    readonly body: Readonly<Record<string, unknown>>,
    /** Seconds after which to try again, where the server says so. */
    readonly retryAfter: number | undefined = undefined,
  ) {
    super(typeof body['detail'] === 'string' ? body['detail'] : `the server answered ${status}; try again`);
  }
}

/** No answer came: the server has ended, or the connection is lost. */
export class OfflineError extends Error {
  override readonly name = 'OfflineError';

  constructor() {
    super('the review server does not answer; start `omentum review serve` again, work is kept until then');
  }
}

/** Gets a session again; nothing does that before a page says what. */
let renewSession: (() => Promise<void>) | undefined;

/** Say what gets a session again where a request finds none; the request is sent again after it. */
export function onNoSession(renew: () => Promise<void>): void {
  renewSession = renew;
}

/**
 * Send a request and give its answer; it waits for a login where there is no session.
 *
 * @throws RefusedError The server refused it.
 * @throws OfflineError No answer came.
 */
export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  for (;;) {
    try {
      return await requestOnce(path, options);
    } catch (problem) {
      if (renewSession === undefined || !isWithoutSession(problem)) throw problem;
      await renewSession();
    }
  }
}

/** Whether a request was refused as nobody is logged in. */
export const isWithoutSession = (problem: unknown): boolean =>
  problem instanceof RefusedError && problem.status === 401 && problem.kind === 'no-session';

/** Send a request as `request` does, and do not wait for a login. */
export async function requestOnce(path: string, options: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...options });
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === 'AbortError') throw problem;
    throw new OfflineError();
  }
  if (!answer.ok) throw await refusalOf(answer);
  return answer;
}

async function refusalOf(answer: Response): Promise<RefusedError> {
  const stated = Number(answer.headers.get('Retry-After') ?? NaN);
  const retryAfter = Number.isFinite(stated) ? stated : undefined;
  try {
    const body = (await answer.json()) as Record<string, unknown>;
    return new RefusedError(answer.status, String(body['kind'] ?? ''), body, retryAfter);
  } catch {
    return new RefusedError(answer.status, '', {}, retryAfter);
  }
}

/** Ask for JSON. */
export async function getJson<Answer>(path: string): Promise<Answer> {
  return (await (await request(path)).json()) as Answer;
}

/** A request with JSON, or with no body. */
export function jsonRequest(method: 'POST' | 'PUT', body?: unknown): RequestInit {
  const options: RequestInit = { method, headers: { 'Content-Type': 'application/json' } };
  if (body !== undefined) options.body = JSON.stringify(body);
  return options;
}

/** Send JSON, or no body, and give the JSON of the answer. */
export async function sendJson<Answer>(
  method: 'POST' | 'PUT',
  path: string,
  body?: unknown,
): Promise<Answer> {
  return (await (await request(path, jsonRequest(method, body))).json()) as Answer;
}

/** Send JSON; the answer has no body. */
export async function sendQuietly(method: 'POST' | 'PUT', path: string, body?: unknown): Promise<void> {
  await request(path, jsonRequest(method, body));
}

/** Send bytes and give the JSON of the answer. */
export async function sendBytes<Answer>(
  method: 'POST' | 'PUT',
  path: string,
  bytes: Uint8Array,
): Promise<Answer> {
  const headers = { 'Content-Type': 'application/octet-stream' };
  return (await (await request(path, { method, headers, body: new Uint8Array(bytes) })).json()) as Answer;
}

/** Send a request whose answer has no body. */
export async function sendDelete(path: string): Promise<void> {
  await request(path, { method: 'DELETE' });
}
