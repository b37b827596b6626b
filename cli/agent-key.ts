import { equalBytes } from '../core/bytes.ts';
import { ConsulError } from '../core/errors.ts';
import type { OpenPost } from '../core/issuance/open-post.ts';
import { parseCertificate } from '../core/pki/certificate.ts';
import type { Signer } from '../core/pki/signer.ts';
import { allCertificates } from '../core/store/certificate.ts';
import { openNamedKey } from '../core/store/named-key.ts';
import type { CertificateRow } from '../core/store/schema.ts';
import { type AgentKeyOptions, agentSecrets } from './secrets.ts';

/** The own key of an agent: a file from `pki issue agent`, or a key in a token by its URI. */
export const openAgentKey = (key: string, options: AgentKeyOptions): Promise<Signer> =>
  openNamedKey(key, 'of the agent', agentSecrets(options));

/** The newest certificate that an agent has for this key. @throws ConsulError CERTIFICATE_UNKNOWN */
export async function certificateOfAgent(
  { store }: OpenPost,
  { publicKey }: Signer,
): Promise<CertificateRow> {
  const row = (await allCertificates(store.read)).findLast(
    ({ profile, der }) => profile === 'agent' && equalBytes(parseCertificate(der).spki, publicKey),
  );
  if (!row)
    throw new ConsulError('CERTIFICATE_UNKNOWN', 'no agent of this post has a certificate for the key');
  return row;
}
