// SPDX-License-Identifier: Apache-2.0
//
// Keys and certificates that live as long as a test: an authority of its own, and certificates it issues, made with
// the openssl command. The files are in the folder of the test.
import * as child_process from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

function openssl(...args: string[]): void {
  child_process.execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export type Certificate = { key: string; cert: string };

export class Authority {
  readonly cert: string;
  readonly #folder: string;
  readonly #key: string;

  constructor(folder: string, name = "ca") {
    this.#folder = folder;
    this.cert = path.join(folder, `${name}.pem`);
    this.#key = path.join(folder, `${name}.key`);
    openssl("req", "-x509", ...newKey, "-keyout", this.#key, "-out", this.cert, "-days", "2", "-subj", `/CN=${name}`);
  }

  /** `names` like "DNS:localhost,IP:127.0.0.1". */
  issue(name: string, names: string): Certificate {
    const file = (extension: string) => path.join(this.#folder, `${name}.${extension}`);
    openssl("req", ...newKey, "-keyout", file("key"), "-out", file("csr"), "-subj", `/CN=${name}`);
    fs.writeFileSync(file("ext"), `subjectAltName=${names}\n`);
    openssl(
      "x509", "-req", "-in", file("csr"), "-CA", this.cert, "-CAkey", this.#key, "-CAcreateserial",
      "-days", "2", "-extfile", file("ext"), "-out", file("pem"),
    );
    return { key: file("key"), cert: file("pem") };
  }
}

/** A new Ed25519 key; the name of the file. */
export function identityKey(folder: string): string {
  const file = path.join(folder, "identity.pem");
  openssl("genpkey", "-algorithm", "ed25519", "-out", file);
  return file;
}
