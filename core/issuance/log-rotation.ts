import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { checkCheckpoint, signCheckpoint } from '../log/checkpoint.ts';
import { formatNote, importVerifierKey, logKeyOf, parseNote } from '../log/note.ts';
import { keySigner } from '../pki/file-signer.ts';
import { newKey } from '../pki/key-kind.ts';
import type { TrustBundle } from '../pki/trust-bundle.ts';
import { writeDurably } from '../store/durable-file.ts';
import { readKeyFile } from '../store/key-providers.ts';
import { keyFile } from '../store/keys.ts';
import { exists, moveInto } from '../store/pki-folder.ts';
import { anchorPaths } from '../store/post-folder.ts';
import { locked, nodeFileSystem } from '../store/tile-files.ts';
import { type PkiContext, type RootSession, readTrust, renewTrust, writeKey } from './certificates.ts';
import { logOrigin } from './log-origin.ts';

/**
 * Gives the log another key. The newest checkpoint is signed by both, so that the log goes on from it; the trust bundle
 * has both keys for the post, the new one first, because the proofs inside older documents are signed by the old one.
 * Each step is durable before the next, and the same call continues after a crash.
 * @throws ConsulError KEY_INVALID when the key is in a token, CHECKPOINT_INVALID when the log's own key did not sign it
 */
export async function rotateLogKey(context: PkiContext, root: RootSession): Promise<TrustBundle> {
  const { post, fileKey } = context;
  if (post.settings.keys?.log?.provider === 'pkcs11')
    throw new ConsulError('KEY_INVALID', 'the key of the log is in a token');
  const present = keyFile(post.paths, 'log');
  const next = join(post.paths.keys, 'next', 'log.key.pem');
  if (!(await exists(next))) await writeKey(context, next, newKey('ed25519'));
  const [before, after] = await Promise.all(
    [present, next].map(async (file) => keySigner(await readKeyFile(file, 'log', fileKey))),
  );
  if (!before || !after) throw new ConsulError('INTERNAL', 'a key of the log is missing');
  const origin = logOrigin(post.settings.post);
  const verifier = await importVerifierKey(await logKeyOf(origin, before, nodeBackend), nodeBackend);

  const { logs } = await readTrust(context);
  const key = await logKeyOf(origin, after, nodeBackend);
  const known = logs.filter((log) => log.key !== key);
  const bundle = await renewTrust(context, root, {
    logs: [{ post: post.settings.post.code, key }, ...known],
  });
  await locked(post.paths.log, nodeFileSystem, async () => {
    // The second place first, as when the log grows.
    const { checkpoint: second } = anchorPaths(post.paths.home, post.settings);
    const note = new Uint8Array(await readFile(second));
    const verdict = await checkCheckpoint(note, verifier);
    if (!verdict.valid) throw new ConsulError('CHECKPOINT_INVALID', verdict.message);
    const { text, signatures } = parseNote(note);
    const added = parseNote(await signCheckpoint(verdict.checkpoint, after, nodeBackend)).signatures;
    const both = formatNote({ text, signatures: [...added, ...signatures] });
    await writeDurably(second, both);
    await writeDurably(join(post.paths.log, 'checkpoint'), both);
    await moveInto(next, present);
  });
  return bundle;
}
