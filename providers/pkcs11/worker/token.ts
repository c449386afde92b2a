import type { KeyQuery, KeyRow, VersionQuery } from '../protocol.ts';
import { Failure, lostBefore, lostObject, lostSession } from './failure.ts';
import type { Graphene, GrapheneSession, GrapheneSlot } from './graphene.ts';
import { listVersions, type Version } from './listing.ts';
import { Sessions } from './sessions.ts';

/** A listing serves so long: other processes' rotations are seen after it, ours at once. */
const LISTING_MS = 1_000;

/** A token that is logged in to. */
export class Token {
  readonly graphene: Graphene;
  readonly #slot: GrapheneSlot;
  readonly #sessions: Sessions;
  readonly #listings = new Map<string, { readonly at: number; readonly versions: ReadonlyMap<string, Version> }>();
  #mechanisms: ReadonlySet<number> | undefined;

  constructor(graphene: Graphene, slot: GrapheneSlot, pin: string, sessions: number) {
    this.graphene = graphene;
    this.#slot = slot;
    this.#sessions = new Sessions(slot, pin, sessions);
  }

  /** Opens the first session and logs in. */
  login(): void {
    this.#sessions.login();
  }

  /** Numbers of the mechanisms that the token has. */
  get mechanisms(): ReadonlySet<number> {
    if (this.#mechanisms === undefined) {
      const list = this.#slot.getMechanisms();
      this.#mechanisms = new Set(Array.from({ length: list.length }, (_, at) => list.items(at).type));
    }
    return this.#mechanisms;
  }

  /** All versions of a key; `fresh`: not from a listing of the last second. */
  rows(query: KeyQuery, fresh: boolean): Promise<readonly KeyRow[]> {
    return this.#use((session) => [...this.#versions(session, query, fresh).values()].map(({ row }) => row));
  }

  /**
   * Works with one version, and with a second one of the same key. The work is done once more where the session or the
   * objects were lost, so it must leave its arguments as they are.
   */
  with<T>(
    query: VersionQuery,
    work: (session: GrapheneSession, version: Version, to: Version | undefined) => Promise<T>,
    to?: VersionQuery,
  ): Promise<T> {
    return this.#use((session) =>
      work(session, this.#version(session, query), to === undefined ? undefined : this.#version(session, to)),
    );
  }

  /** Changes something: not repeated where it may have been done, on a listing of this very session, which ends then. */
  async change<T>(
    query: KeyQuery,
    work: (session: GrapheneSession, versions: ReadonlyMap<string, Version>) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#sessions.use((session) => work(session, this.#versions(session, query, true)), lostBefore);
    } finally {
      this.#listings.clear();
    }
  }

  /** Ends the sessions, and with them the login. */
  close(): void {
    this.#sessions.close();
  }

  #use<T>(work: (session: GrapheneSession) => T | Promise<T>): Promise<T> {
    return this.#sessions.use(work, (error) => {
      if (!lostSession(error) && !lostObject(error)) return false;
      this.#listings.clear();
      return true;
    });
  }

  #versions(session: GrapheneSession, query: KeyQuery, fresh: boolean): ReadonlyMap<string, Version> {
    const name = JSON.stringify([query.kind, query.label]);
    const known = this.#listings.get(name);
    if (!fresh && known !== undefined && performance.now() - known.at < LISTING_MS) return known.versions;
    const versions = listVersions(this.graphene, session, query);
    this.#listings.set(name, { at: performance.now(), versions });
    return versions;
  }

  /** Looked up anew before it is said not to exist. */
  #version(session: GrapheneSession, query: VersionQuery): Version {
    const version =
      this.#versions(session, query, false).get(query.id) ?? this.#versions(session, query, true).get(query.id);
    if (version === undefined) throw new Failure('KEY', `no key "${query.label}" with CKA_ID ${query.id}`);
    return version;
  }
}
