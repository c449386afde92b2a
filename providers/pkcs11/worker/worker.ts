/** The thread that holds a PKCS#11 library: its calls block, so none of them is made on the main thread. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RequestMessage, RequestName, Requests, ResponseMessage, WorkerStart } from '../protocol.ts';
import { Failure, failureOf } from './failure.ts';
import type { Graphene } from './graphene.ts';
import { Library } from './library.ts';
import { disable, generate } from './lifecycle.ts';
import { gcm, kwp, oaep } from './operations.ts';

type Handlers = {
  readonly [N in RequestName]: (library: Library, args: Requests[N]['args']) => Promise<Requests[N]['gives']>;
};

const HANDLERS: Handlers = {
  open: (library, args) => Promise.resolve(library.open(args)),
  release: (library, { token }) => {
    library.release(token);
    return Promise.resolve(undefined);
  },
  list: async (library, { token, key, fresh }) => library.token(token).rows(key, fresh),
  gcm: async (library, args) => gcm(library.token(args.token), args),
  kwp: async (library, args) => kwp(library.token(args.token), args),
  publicKey: async (library, { token, key }) =>
    library.token(token).with(key, (_session, { rsa }) => {
      if (rsa === undefined) throw new Failure('KEY', 'only RSA keys have a public half');
      return Promise.resolve(rsa);
    }),
  oaep: async (library, args) => oaep(library.token(args.token), args),
  generate: async (library, args) => {
    await generate(library.token(args.token), args);
    return undefined;
  },
  disable: async (library, args) => {
    await disable(library.token(args.token), args);
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
    if (code === 'ERR_MODULE_NOT_FOUND') throw new Failure('PACKAGE', 'it is not installed');
    throw new Failure('PACKAGE', `it is not compiled, or not for this Node: ${failureOf(error).message}`);
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
    library.catch(() => (library = undefined));
    const value = await (HANDLERS[name] as (library: Library, args: unknown) => Promise<unknown>)(await library, args);
    if (value instanceof Uint8Array) moved.push(value.buffer as ArrayBuffer);
    response = { id, value };
  } catch (error) {
    response = { id, failure: failureOf(error) };
  }
  port.postMessage(response, moved);
}

parentPort?.on('message', (message: RequestMessage) => void answer(message));
