import { isWaxsealError, refuseUnknownOptions } from '../../errors/index.ts';
import { keyList, type Keys } from '../keys-input.ts';
import { readHead } from '../read-head.ts';
import { IN_PLACE_OPTIONS } from '../rewrap/change-object.ts';
import { type ObjectFile, withObjectFile } from '../rewrap/object-file.ts';
import { type Donor, readDonor } from './donor.ts';
import type { RepairOptions, RepairReport } from './options.ts';
import { repairBlock } from './repair-block.ts';
import { repairSlots } from './repair-slots.ts';

/**
 * Restores damaged heads and recipients of a sealed file from what survived in it, or from another copy; completes or
 * undoes an interrupted reseal of a detached object. Nothing is written before the surviving parts were proven: they must
 * give the data key that the payload commits to.
 *
 * @param path the sealed file, or the header of a detached object
 * @throws WaxsealError `ERR_HEADER_DAMAGED` when too little survived, `ERR_UNEXPECTED_OBJECT` when `from` is another
 * object, and what opening and writing can fail with
 *
 * @example
 * const { repaired } = await repair('model.onnx.wax', keyring.key('default'), { from: 'backup/model.onnx.wax' });
 */
export async function repair(path: string, keys: Keys, options: RepairOptions = {}): Promise<RepairReport> {
  refuseUnknownOptions('repair', options, [...IN_PLACE_OPTIONS, 'from', 'payload']);
  const providers = keyList(keys, 'repair');
  const donor = options.from === undefined ? undefined : await readDonor(options.from);
  return withObjectFile(path, options, async (file) =>
    (await layoutOf(file, donor)) === 'attached'
      ? repairSlots(file, providers, donor, options)
      : repairBlock(file, providers, donor, options),
  );
}

/** The layout of a file; where nothing of its head is left, that of the other copy. */
async function layoutOf(file: ObjectFile, donor: Donor | undefined): Promise<string> {
  try {
    return (await readHead(file)).head.geometry.layout;
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    // A detached header of the object may be all that was kept of an attached one.
    const kept = donor?.head.geometry.layout;
    return kept === 'compact' || (kept === 'detached' && file.size <= (donor?.head.geometry.prefixLength ?? 0) * 2)
      ? kept
      : 'attached';
  }
}
