export type { Expectations } from './expectations.ts';
export type { PrivateMetadata } from './format/meta.ts';
export type { ByteStream } from './input.ts';
export { type InspectedRecipient, inspect, type Inspection } from './inspect.ts';
export type { Keys } from './keys-input.ts';
export type { ObjectShape } from './new-object.ts';
export { open, openObject, type OpenOptions, openRange, type OpenRangeOptions } from './open.ts';
export { openFile, type OpenFileOptions, type OpenReport } from './open-file.ts';
export type { ObjectInfo, ObjectOptions, OpenedBy, OpenedObject } from './opened-object.ts';
export type { OnProgress } from './progress.ts';
export { repair, type RepairOptions, type RepairReport } from './repair.ts';
export type { EntryOutcome } from './rewrap/renew.ts';
export {
  addRecipient,
  type InPlaceOptions,
  removeRecipient,
  rewrap,
  type RewrapOptions,
  type RewrapReport,
} from './rewrap/rewrap.ts';
export { seal, type SealOptions } from './seal.ts';
export { sealFile, type SealFileOptions, type SealReport } from './seal-file.ts';
export { plaintextSize, sealedSize, type SizeOptions } from './sizes.ts';
export type { RandomAccess, SealedSource } from './source.ts';
export { type Finding, type VerifiedRecipient, verify, type VerifyOptions, type VerifyReport } from './verify.ts';
