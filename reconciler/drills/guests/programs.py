"""What clients in other languages run: a named call's time and id are theirs to fill in.

Source: reconciler/client/README.md, "In JavaScript", "In a shell".
"""

# Its arguments: the program `aws`, the operation, and the parameters.
SHELL = r"""
at=$(date +%s%3N)
id=$(openssl rand -base64 9 | tr '+/' '-_' | cut -c 1-11)
input=${3//@at/$at}
exec "$1" dynamodb "$2" --output json --cli-input-json "${input//@id/$id}"
"""

# It reads a call a line and prints what it was answered, sets and numbers as JavaScript has them
# in between; a number that JavaScript would round is a BigInt.
JAVASCRIPT = r"""
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand, DynamoDBDocumentClient, PutCommand, UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";

const wrapNumbers = (text) =>
  Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
const commands = { DeleteItem: DeleteCommand, PutItem: PutCommand, UpdateItem: UpdateCommand };
const clients = {};

function client(region) {
  const bare = new DynamoDBClient({ region, maxAttempts: 1 });
  return DynamoDBDocumentClient.from(bare, { unmarshallOptions: { wrapNumbers } });
}

for await (const line of createInterface({ input: process.stdin })) {
  const { region, operation, text } = JSON.parse(line);
  const id = randomBytes(9).toString("base64url").slice(0, 11);
  const parameters = JSON.parse(text.replace("@at", Date.now()).replace("@id", id));
  for (const name of ["Key", "Item", "ExpressionAttributeValues"]) {
    if (parameters[name]) parameters[name] = unmarshall(parameters[name], { wrapNumbers });
  }
  clients[region] ??= client(region);
  const answer = await clients[region].send(new commands[operation](parameters));
  console.log(JSON.stringify(answer.Attributes ? marshall(answer.Attributes) : {}));
}
"""
