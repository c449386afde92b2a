export { asAsyncBuffer, asBlob, type AsyncBuffer, type BlobOptions, type SealedBlob } from './adapters.ts';
export type { Expectations } from './expectations.ts';
export type { Layout } from './format/layout.ts';
export type { PrivateMetadata } from './format/meta.ts';
export type { TagState } from './format/recipients.ts';
export { type ByteRange, parseRange } from './http-range.ts';
export type { ByteStream } from './byte-stream.ts';
export { type InspectedRecipient, type InspectedShare, inspect, type Inspection } from './inspect.ts';
export type { Keys, KeysInOrder, MasterKey } from './keys-input.ts';
export { Quorum, quorum, quorumUri } from './quorum/quorum.ts';
export {
  exportShare,
  type ExportShareOptions,
  importShare,
  SharedKey,
  type SharedShare,
  type SharedWrap,
} from './quorum/share-file.ts';
export type { ObjectShape } from './new-object.ts';
export {
  open,
  openObject,
  type OpenObjectOptions,
  openRange,
  type OpenRangeOptions,
  type RangeField,
  type StartAndEnd,
} from './open.ts';
export type { OpenOptions } from './open-stream.ts';
export { openFile, type OpenFileOptions, type OpenReport } from './open-file.ts';
export type { Custodian, FailedKey, OpenedBy } from './opened-by.ts';
export type { ObjectInfo, ObjectOptions, OpenedObject, ReadOptions } from './opened-object.ts';
export type { OnProgress } from './progress.ts';
export type { RepairOptions, RepairReport } from './repair/options.ts';
export { repair } from './repair/repair.ts';
export type { EntryOutcome } from './rewrap/renew.ts';
export type { InPlaceOptions, RewrapReport } from './rewrap/change-object.ts';
export { convert, type ConvertOptions, type OneOrTwoPieces } from './convert/convert.ts';
export { convertFile, type ConvertFileOptions, type ConvertReport } from './convert/convert-file.ts';
export { shred, type ShredOptions, type ShredReport } from './shred.ts';
export type { RecipientChoice } from './reseal/new-recipients.ts';
export type { ResealOptions, ResealReport } from './reseal/options.ts';
export { reseal } from './reseal/reseal.ts';
export { addRecipient, removeRecipient } from './rewrap/recipients.ts';
export { setRecipients } from './rewrap/set-recipients.ts';
export { rewrap, type RewrapOptions } from './rewrap/rewrap.ts';
export { type DetachedObject, seal, type SealOptions, type WholeSealOptions } from './seal.ts';
export { type SealedTo, sealFile, type SealFileOptions, type SealReport } from './seal-file.ts';
export { plaintextSize, sealedSize, type SizeOptions } from './sizes.ts';
export type { DetachedSource, PieceSource, RandomAccess, SealedSource } from './source.ts';
export type { Finding } from './verify/damage.ts';
export type { VerifiedRecipient } from './verify/recipients.ts';
export { verify, type VerifyOptions, type VerifyReport } from './verify/verify.ts';
export type { Assurance } from './wrap-verified.ts';
