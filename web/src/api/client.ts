/** Requests to the review server, and what it refuses as errors. */

/** The server refused a request; `message` is its sentence with the cure. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(
    readonly status: number,
    readonly kind: string,
    readonly body: Readonly<Record<string, unknown>>,
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

/** Send a request and give its answer, or raise `RefusedError` or `OfflineError`. */
export async function request(path: string, options: RequestInit = {}): Promise<Response> {
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
  try {
    const body = (await answer.json()) as Record<string, unknown>;
    return new RefusedError(answer.status, String(body['kind'] ?? ''), body);
  } catch {
    return new RefusedError(answer.status, '', {});
  }
}

/** Ask for JSON. */
export async function getJson<Answer>(path: string): Promise<Answer> {
  return (await (await request(path)).json()) as Answer;
}

/** Send JSON, or no body, and give the JSON of the answer. */
export async function sendJson<Answer>(
  method: 'POST' | 'PUT',
  path: string,
  body?: unknown,
): Promise<Answer> {
  const options: RequestInit = { method, headers: { 'Content-Type': 'application/json' } };
  if (body !== undefined) options.body = JSON.stringify(body);
  return (await (await request(path, options)).json()) as Answer;
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
