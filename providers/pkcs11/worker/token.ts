import type { KeyQuery, KeyRow, VersionQuery } from '../protocol.ts';
import { Failure, failureOf, lostObject, lostSession } from './failure.ts';
import type { Graphene, GrapheneObject, GrapheneSession, GrapheneSlot } from './graphene.ts';

/** CKF_SERIAL_SESSION with CKF_RW_SESSION. */
const READ_WRITE = 4 | 2;
/** A listing serves so long: other processes' rotations are seen after it, ours at once. */
const LISTING_MS = 1_000;
const MAX_VERSIONS = 10_000;

/** A version and its objects: one for AES, the private and the public half for RSA. */
export interface Version {
  readonly row: KeyRow;
  readonly secret: GrapheneObject;
  readonly open: GrapheneObject;
}

/** A token with its sessions, of which each serves one call at a time. */
export class Token {
  readonly graphene: Graphene;
  readonly slot: GrapheneSlot;
  readonly #pin: string;
  readonly #most: number;
  readonly #free: GrapheneSession[] = [];
  readonly #waiting: ((session: GrapheneSession) => void)[] = [];
  readonly #listings = new Map<string, { readonly at: number; readonly versions: ReadonlyMap<string, Version> }>();
  #open = 0;
  #mechanisms: ReadonlySet<number> | undefined;

  constructor(graphene: Graphene, slot: GrapheneSlot, pin: string, sessions: number) {
    this.graphene = graphene;
    this.slot = slot;
    this.#pin = pin;
    this.#most = sessions;
  }

  /** Opens the first session and logs in. */
  login(): void {
    this.#free.push(this.#session());
  }

  /** Numbers of the mechanisms that the token has. */
  get mechanisms(): ReadonlySet<number> {
    if (this.#mechanisms === undefined) {
      const list = this.slot.getMechanisms();
      this.#mechanisms = new Set(Array.from({ length: list.length }, (_, at) => list.items(at).type));
    }
    return this.#mechanisms;
  }

  /** Lends a session. One that was lost is replaced, and the work is done once more. */
  async use<T>(work: (session: GrapheneSession) => Promise<T>): Promise<T> {
    const session = await this.#take();
    try {
      const value = await work(session);
      this.#give(session);
      return value;
    } catch (error) {
      if (!lostSession(error) && !lostObject(error)) {
        this.#give(session);
        throw error;
      }
      this.#listings.clear();
      const fresh = lostSession(error) ? this.#replace(session) : session;
      try {
        return await work(fresh);
      } finally {
        this.#give(fresh);
      }
    }
  }

  /** All versions of a key. */
  async versions(query: KeyQuery, fresh = false): Promise<ReadonlyMap<string, Version>> {
    const name = JSON.stringify([query.kind, query.label]);
    const known = this.#listings.get(name);
    if (!fresh && known !== undefined && performance.now() - known.at < LISTING_MS) return known.versions;
    const versions = await this.use((session) => Promise.resolve(this.#list(session, query)));
    this.#listings.set(name, { at: performance.now(), versions });
    return versions;
  }

  /** One version; looked up anew before it is said not to exist. */
  async version(query: VersionQuery): Promise<Version> {
    const version = (await this.versions(query)).get(query.id) ?? (await this.versions(query, true)).get(query.id);
    if (version === undefined) throw new Failure('KEY', `the token has no key "${query.label}" with id ${query.id}`);
    return version;
  }

  /** After a change of ours. */
  forget(): void {
    this.#listings.clear();
  }

  close(): void {
    for (const session of this.#free.splice(0)) quietly(() => session.close());
  }

  #list(session: GrapheneSession, { label, kind }: KeyQuery): ReadonlyMap<string, Version> {
    const { ObjectClass, KeyType } = this.graphene;
    const keyType = kind === 'aes' ? KeyType.AES : KeyType.RSA;
    const find = (objectClass: number): Map<string, GrapheneObject> => {
      const found = session.find({ class: objectClass, keyType, label, token: true });
      if (found.length > MAX_VERSIONS) throw new Failure('TWINS', `more than ${String(MAX_VERSIONS)} keys "${label}"`);
      const byId = new Map<string, GrapheneObject>();
      for (let at = 0; at < found.length; at += 1) {
        const object = found.items(at).toType();
        const id = (object.getAttribute({ id: null })['id'] as Buffer).toString('hex');
        if (byId.has(id)) throw new Failure('TWINS', `two keys "${label}" have the id ${id === '' ? '(none)' : id}`);
        byId.set(id, object);
      }
      return byId;
    };
    const secrets = find(kind === 'aes' ? ObjectClass.SECRET_KEY : ObjectClass.PRIVATE_KEY);
    const publics = kind === 'aes' ? secrets : find(ObjectClass.PUBLIC_KEY);
    const versions = new Map<string, Version>();
    for (const [id, secret] of secrets) {
      const open = publics.get(id);
      // A private key without its public half is no version that anybody could wrap to.
      if (open !== undefined) versions.set(id, { row: rowOf(id, kind, secret, open), secret, open });
    }
    return versions;
  }

  #take(): Promise<GrapheneSession> {
    const free = this.#free.pop();
    if (free !== undefined) return Promise.resolve(free);
    if (this.#open < this.#most) return Promise.resolve(this.#session());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(session: GrapheneSession): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(session);
    else next(session);
  }

  #replace(lost: GrapheneSession): GrapheneSession {
    quietly(() => lost.close());
    this.#open -= 1;
    // The login is gone with the sessions of the token; those that were free are of no use either.
    for (const session of this.#free.splice(0)) {
      quietly(() => session.close());
      this.#open -= 1;
    }
    return this.#session();
  }

  #session(): GrapheneSession {
    const session = this.slot.open(READ_WRITE);
    try {
      if (this.#pin !== '') session.login(this.#pin);
    } catch (error) {
      // The login is the application's, not the session's.
      if (failureOf(error).kind !== 'CKR_USER_ALREADY_LOGGED_IN') {
        quietly(() => session.close());
        throw error;
      }
    }
    this.#open += 1;
    return session;
  }
}

function rowOf(id: string, kind: KeyQuery['kind'], secret: GrapheneObject, open: GrapheneObject): KeyRow {
  const { decrypt, unwrap } = secret.getAttribute({ decrypt: null, unwrap: null });
  const { encrypt, wrap } = open.getAttribute({ encrypt: null, wrap: null });
  const bits = kind === 'rsa' ? (open.getAttribute({ modulus: null })['modulus'] as Buffer).length * 8 : undefined;
  return {
    id,
    encrypt: encrypt === true,
    decrypt: decrypt === true,
    wrap: wrap === true,
    unwrap: unwrap === true,
    bits,
  };
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // Gone already.
  }
}
