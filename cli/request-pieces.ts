import { bringPieces } from '../core/casework/casework.ts';
import { parseReference } from '../core/casework/reference.ts';
import type { PieceFile } from '../core/casework/submission.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { openKeyRing } from '../core/store/keys.ts';
import { openPieces, readBroughtFile } from '../core/store/pieces.ts';
import { loadRequest } from '../core/store/request.ts';
import { announce, ordinal } from './acts.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { writeOutput } from './output-file.ts';
import { agentOf, proceduresOf, withPost } from './post.ts';
import { pieceSummary } from './request-shown.ts';
import { keySecrets } from './secrets.ts';
import { say } from './words.ts';

/** The files of `--piece NAME=FILE`. @throws ConsulError USAGE, PIECE_UNREADABLE, PIECE_TOO_LARGE */
export async function pieceFiles(
  pieces: readonly string[] | undefined,
  limits: { readonly pieceBytes: number },
): Promise<readonly PieceFile[]> {
  return Promise.all(
    (pieces ?? []).map(async (text) => {
      const at = text.indexOf('=');
      if (at < 1 || at === text.length - 1)
        throw new ConsulError('USAGE', `--piece takes NAME=FILE, not ${JSON.stringify(text)}`);
      return { piece: text.slice(0, at), file: await readBroughtFile(text.slice(at + 1), limits) };
    }),
  );
}

export async function add(
  text: string,
  options: CommonOptions & { piece: readonly string[] },
): Promise<void> {
  const reference = parseReference(text);
  await withPost(options, async (post) => {
    const { settings, store, paths } = post;
    const before = await loadRequest(store.read, reference);
    const after = await bringPieces(reference, await pieceFiles(options.piece, settings.limits), {
      store,
      procedures: await proceduresOf(post, [before.request.procedure]),
      pieces: openPieces(paths.pieces, settings.limits),
      post: settings.post,
      actor: agentOf(options),
      now: new Date(),
      random: nodeBackend.random,
    });
    announce(after, options);
  });
}

export async function piece(
  text: string,
  number: string,
  options: CommonOptions & { out: string },
): Promise<void> {
  const reference = parseReference(text);
  const wanted = ordinal(number);
  await withPost(options, async (post) => {
    const { pieces } = await loadRequest(post.store.read, reference);
    const row = pieces.find((one) => one.ordinal === wanted);
    if (!row?.sha256)
      throw new ConsulError('PIECE_UNKNOWN', `request ${reference} has no received piece ${wanted}`);
    const identity = await openKeyRing(post.paths, keySecrets(post, options)).privateKey('pieces');
    const content = await openPieces(post.paths.pieces, post.settings.limits).get(row.sha256, identity);
    await writeOutput(options.out, content, { mode: 0o600 });
    if (options.json) printJson({ ...pieceSummary(row), out: options.out });
    else if (!options.quiet) {
      const values = { file: options.out, type: row.mediaType ?? '', size: content.length };
      process.stdout.write(`${say(messageLanguage(options), 'piece.written', values)}\n`);
    }
  });
}
