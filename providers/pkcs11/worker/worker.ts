/** The thread that holds a PKCS#11 library: its calls block, so none of them is made on the main thread. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RequestMessage, RequestName, Requests, ResponseMessage, WorkerStart } from '../protocol.ts';
import { Failure, failureOf } from './failure.ts';
import type { Graphene } from './graphene.ts';
import { Library } from './library.ts';
import { disable, gcm, generate, kwp, oaep, publicKey } from './operations.ts';

type Handlers = {
  readonly [N in RequestName]: (library: Library, args: Requests[N]['args']) => Promise<Requests[N]['gives']>;
};

const HANDLERS: Handlers = {
  open: (library, args) => Promise.resolve(library.open(args)),
  release: (library, { token }) => {
    library.release(token);
    return Promise.resolve(undefined);
  },
  list: async (library, { token, key, fresh }) => {
    const versions = await library.token(token).versions(key, fresh);
    return [...versions.values()].map(({ row }) => row);
  },
  gcm: async (library, args) => gcm(library.token(args.token), args),
  kwp: async (library, args) => kwp(library.token(args.token), args),
  publicKey: async (library, { token, key }) => publicKey(library.token(token), key),
  oaep: async (library, args) => oaep(library.token(args.token), args),
  generate: async (library, args) => {
    await generate(library.token(args.token), args);
    return undefined;
  },
  disable: async (library, { token, key }) => {
    await disable(library.token(token), key);
    return undefined;
  },
};

let library: Promise<Library> | undefined;

async function load(): Promise<Library> {
  // A variable keeps compilers and bundlers from asking for a package that is optional.
  const name: string = 'graphene-pk11';
  let module: { readonly default?: Graphene } & Graphene;
  try {
    module = (await import(name)) as typeof module;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MODULE_NOT_FOUND') throw new Failure('PACKAGE', 'graphene-pk11 is not installed');
    throw error;
  }
  return new Library(module.default ?? module, workerData as WorkerStart);
}

async function answer({ id, name, args }: RequestMessage): Promise<void> {
  const port = parentPort;
  if (port === null) return;
  let response: ResponseMessage;
  const moved: ArrayBuffer[] = [];
  try {
    library ??= load();
    const value = await (HANDLERS[name] as (library: Library, args: unknown) => Promise<unknown>)(await library, args);
    if (value instanceof Uint8Array) moved.push(value.buffer as ArrayBuffer);
    response = { id, value };
  } catch (error) {
    response = { id, failure: failureOf(error) };
  }
  port.postMessage(response, moved);
}

parentPort?.on('message', (message: RequestMessage) => void answer(message));
