import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { checkCheckpoint, signCheckpoint } from '../log/checkpoint.ts';
import { formatNote, importVerifierKey, logKeyOf, parseNote } from '../log/note.ts';
import { keySigner } from '../pki/file-signer.ts';
import { newKey } from '../pki/key-kind.ts';
import type { Signer } from '../pki/signer.ts';
import type { TrustBundle } from '../pki/trust-bundle.ts';
import { writeDurably } from '../store/durable-file.ts';
import { readKeyFile } from '../store/key-providers.ts';
import { keyFile } from '../store/keys.ts';
import { exists, moveInto } from '../store/pki-folder.ts';
import { anchorPaths } from '../store/post-folder.ts';
import { locked, nodeFileSystem } from '../store/tile-files.ts';
import { type PkiContext, type RootSession, readTrust, renewTrust, writeKey } from './certificates.ts';
import { logOrigin } from './log-origin.ts';
import { isInToken, switchTokenKey, tokenKeyThatWaits } from './token-rotation.ts';

/**
 * Gives the log another key. The newest checkpoint is signed by both, so that the log goes on from it; the trust bundle
 * has both keys for the post, the new one first, because the proofs inside older documents are signed by the old one.
 * Each step is durable before the next, and the same call continues after a crash.
 * @throws ConsulError CHECKPOINT_INVALID when the log's own key did not sign it
 */
export async function rotateLogKey(context: PkiContext, root: RootSession): Promise<TrustBundle> {
  const { post, ring } = context;
  const inToken = isInToken(context, 'log');
  const next = join(post.paths.keys, 'next', 'log.key.pem');
  const before = await ring.signer('log');
  const after = inToken
    ? await tokenKeyThatWaits(context, 'log', 'ed25519')
    : await fileThatWaits(context, next);
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
    if (inToken) await switchTokenKey(context, 'log');
    else await moveInto(next, keyFile(post.paths, 'log'));
  });
  return bundle;
}

async function fileThatWaits(context: PkiContext, file: string): Promise<Signer> {
  if (!(await exists(file))) await writeKey(context, file, newKey('ed25519'));
  return keySigner(await readKeyFile(file, 'log', context.fileKey));
}
