import { Option } from 'commander';
import { type CounterSigner, counterSigned } from '../core/issuance/counter-signature.ts';
import { changeDocument, type RegisterContext } from '../core/issuance/extension.ts';
import type { OpenPost } from '../core/issuance/open-post.ts';
import { type SignatureLevel, signatureLevels } from '../core/pdf/level.ts';
import { defaultBounds } from '../core/pdf/read/bounds.ts';
import { parseCertificate } from '../core/pki/certificate.ts';
import { serialText } from '../core/store/certificate.ts';
import { certifiedBy, openKeyRing, readCertificate } from '../core/store/keys.ts';
import { shownName } from '../core/verify/trust.ts';
import { certificateOfAgent, openAgentKey } from './agent-key.ts';
import { registeredFile, withExtending } from './extending.ts';
import { readInput } from './input-file.ts';
import { messageLanguage, printJson } from './outcome.ts';
import { writeOutput } from './output-file.ts';
import { withPost } from './post.ts';
import { newCommand, run, withKeyOptions } from './program.ts';
import { type AgentKeyOptions, keySecrets, withAgentKeyOptions } from './secrets.ts';
import { say } from './words.ts';

interface SignOptions extends AgentKeyOptions {
  key?: string;
  reason: string;
  level?: SignatureLevel;
  out?: string;
}

/** The signer of the post, or an agent with a key of their own. */
async function signerOf(post: OpenPost, options: SignOptions): Promise<CounterSigner> {
  const { paths, settings } = post;
  const { reason, key } = options;
  const location = settings.post.city;
  if (key === undefined) {
    const ring = openKeyRing(paths, keySecrets(post, options), settings.keys);
    const signer = await ring.certified('document-signer');
    return { signer, name: settings.signatory.name, reason, location };
  }
  const own = await openAgentKey(key, options);
  const { der } = await certificateOfAgent(post, own);
  const name = shownName(parseCertificate(der));
  const signer = certifiedBy(own, der, [await readCertificate(paths, 'issuing-ca')], name);
  return { signer, name, reason, location };
}

async function signIn(
  post: OpenPost,
  file: string,
  context: RegisterContext,
  options: SignOptions,
): Promise<{ readonly file: string; readonly signer: string }> {
  const by = await signerOf(post, options);
  const level = options.level ?? post.settings.signature?.level ?? 'B-LTA';
  const { out } = options;
  const row = out === undefined ? await registeredFile(post, file) : undefined;
  if (row) {
    const signer = serialText(parseCertificate(by.signer.certificate).serial);
    const event = { action: 'document.signed', detail: { signer } } as const;
    await changeDocument(
      row,
      async (pdf) => ({ file: await counterSigned(pdf, by, level, context), event }),
      context,
    );
  } else {
    const pdf = await readInput(file, defaultBounds.fileBytes);
    await writeOutput(out ?? file, await counterSigned(pdf, by, level, context));
  }
  return { file: out ?? file, signer: by.name };
}

async function sign(file: string, options: SignOptions): Promise<void> {
  await withPost(options, (post) =>
    withExtending(post, options, async (context) => {
      const done = await signIn(post, file, context, options);
      if (options.json) printJson(done);
      else if (!options.quiet) process.stdout.write(`${say(messageLanguage(options), 'sign.done', done)}\n`);
    }),
  );
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = withAgentKeyOptions(
    withKeyOptions(newCommand('consul sign', 'Adds the signature of one more person to a signed document')),
  )
    .argument('<file>', 'a signed PDF; a document of the register is signed in its place')
    .option(
      '--key <file>',
      'key of an agent: a file, or the URI of one in a token (else the signer of the post)',
    )
    .requiredOption('--reason <text>', 'why, as it stands in the signature')
    .addOption(
      new Option('--level <level>', 'how long the signatures last (else post.toml, else B-LTA)').choices(
        signatureLevels,
      ),
    )
    .option('--out <file>', 'where to write the signed file; the register is then left as it is')
    .action(sign);
  await run(command, argv);
}
