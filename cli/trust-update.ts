import { equalBytes } from '../core/bytes.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { fetched } from '../core/fetched.ts';
import { openTrustBundle } from '../core/pki/trust-bundle.ts';
import { demandNewerTrust } from '../core/pki/trust-update.ts';
import { readIfThere } from '../core/store/read-file.ts';
import { readInput } from './input-file.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { writeOutput } from './output-file.ts';
import { maxBundle, trustFileOf } from './trust-file.ts';
import { say } from './words.ts';

export interface UpdateOptions extends CommonOptions {
  trust?: string;
  root?: string;
}

const timeoutMs = 30_000;

async function bundleAt(source: string): Promise<Uint8Array> {
  if (!/^https?:\/\//.test(source)) return readInput(source, maxBundle);
  const options = { fetch: globalThis.fetch, timeoutMs, maxBytes: maxBundle };
  const bytes = await fetched(source, options);
  if (!bytes) throw new ConsulError('FILE_UNREADABLE', `there is nothing at ${source}`);
  return bytes;
}

/** Puts a newer trust bundle in the place of the one that is there; an older one, or one of another root, never. */
export async function updateTrust(source: string, options: UpdateOptions): Promise<void> {
  const file = trustFileOf(options);
  const [before, bytes] = await Promise.all([readIfThere(file), bundleAt(source)]);
  const next = { bytes, bundle: await openTrustBundle(bytes, nodeBackend, options.root) };
  const present = before && { bytes: before, bundle: await openTrustBundle(before, nodeBackend) };
  demandNewerTrust({ present, next, rootNamed: options.root !== undefined, now: new Date() });
  const changed = !before || !equalBytes(before, bytes);
  if (changed) await writeOutput(file, bytes);
  const { sequence, rootFingerprint: root } = next.bundle;
  if (options.json) printJson({ trust: file, sequence, root, changed });
  else if (!options.quiet) {
    const key = changed ? 'trust.updated' : 'trust.unchanged';
    process.stdout.write(`${say(messageLanguage(options), key, { sequence, file })}\n`);
  }
}
