"""Drives the language server as an editor does, through the client of pygls, and prints what it answers.

usage: lsp_tin.py SERVER FOLDER [--std-models FOLDER]

Works on files in FOLDER: base.tin (a block), main.tin (a model that imports it).
"""
import asyncio
import pathlib
import sys
import time

from lsprotocol import types as t
from pygls.lsp.client import LanguageClient

BASE = """## Blocks that others import.
import std.nn

## A matrix with bias.
block Affine(I: int, O: int) {
  param weight: [O, I] = 0.02 * normal() at "w"
  param bias: [O] = 0
  fn (x: [..., I]) -> [..., O] {
    y[..., o] = sum(i) x[..., i] * weight[o, i] + bias[o]
    return y
  }
}
## Doubles.
fn twice(x: [...], by: num = 2) -> [...] { return by * x }
"""
MAIN = """import std.nn
import base

config vocab = 256 at "vocab_size"
config ctx = 32
config width = 8
config heads = 2

block Layer {
  up: Affine(width, 4 * width)
  down: Affine(4 * width, width)
  norm: LayerNorm(width)
  fn (x: [B, T, width]) -> [B, T, width] {
    k = reshape(norm(x), [B, T, heads, width / heads])
    a = reshape(attention(k, k, k, causal = true), [B, T, width])
    hidden = gelu(up(a))
    return x + twice(down(hidden), by = 1)
  }
}

model Small {
  table: Embedding(vocab, width)
  h[3]: Layer
  fn logits(tokens: index(vocab)[B, T]) -> [B, T, vocab] where T <= ctx {
    x = table(tokens)
    for layer in h { x = layer(x) }
    z[b, t, v] = sum(c) x[b, t, c] * table.weight[v, c]
    return z
  }
}
task causal_lm { logits = logits, tokenizer = "bytes" }
train { data = text("*.txt"), steps = 10, B = 2, T = ctx, lr = cosine(peak = 1e-3) }
"""


class Editor:
    """Files as an editor shows them: positions are found by text."""

    def __init__(self, client, folder):
        self.client, self.folder = client, folder
        self.texts, self.messages, self.version, self.waiting = {}, {}, 0, {}

        @client.feature(t.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params):
            name = pathlib.Path(params.uri).name
            self.messages[name] = params.diagnostics
            if name in self.waiting and not self.waiting[name].done():
                self.waiting[name].set_result(None)

    def uri(self, name):
        return (pathlib.Path(name) if name.startswith("/") else self.folder / name).as_uri()

    def document(self, name):
        return t.TextDocumentIdentifier(uri=self.uri(name))

    async def show(self, name, text, language="tintype"):
        """Opens the file, or replaces its text; the messages that come for it."""
        short = pathlib.Path(name).name
        self.expect(short)
        self.version += 1
        if name in self.texts:
            self.client.text_document_did_change(t.DidChangeTextDocumentParams(
                text_document=t.VersionedTextDocumentIdentifier(uri=self.uri(name), version=self.version),
                content_changes=[t.TextDocumentContentChangeWholeDocument(text=text)]))
        else:
            self.client.text_document_did_open(t.DidOpenTextDocumentParams(text_document=t.TextDocumentItem(
                uri=self.uri(name), language_id=language, version=self.version, text=text)))
        self.texts[name] = text
        return await self.arrived(short)

    def expect(self, name):
        self.waiting[name] = asyncio.get_running_loop().create_future()

    async def arrived(self, name):
        await asyncio.wait_for(self.waiting[name], 60)
        del self.waiting[name]
        return self.messages[name]

    def place(self, name, before, at=""):
        """Behind `before`, then at the start of `at`; columns in UTF-16."""
        text = self.texts[name]
        offset = text.index(before) + len(before) if not at else text.index(at, text.index(before))
        line = text.count("\n", 0, offset)
        column = len(text[text.rfind("\n", 0, offset) + 1:offset].encode("utf-16-le")) // 2
        return dict(text_document=self.document(name), position=t.Position(line=line, character=column))

    def at(self, name, range_):
        """The text of a range, with its line."""
        line = self.texts[name].split("\n")[range_.start.line].encode("utf-16-le")
        return f"{range_.start.line + 1}:`{line[2 * range_.start.character:2 * range_.end.character].decode('utf-16-le')}`"

    def print_messages(self, title, messages, name):
        print(f"{title}: {len(messages)} messages")
        for m in messages:
            print(f"  {self.at(name, m.range)} {m.message}".replace("\n", " / "))
            for other in m.related_information or []:
                print(f"    note {pathlib.Path(other.location.uri).name}:{other.location.range.start.line + 1} {other.message}")


async def messages(e):
    e.print_messages("base", await e.show("base.tin", BASE), "base.tin")
    e.print_messages("main", await e.show("main.tin", MAIN), "main.tin")
    wrong = MAIN.replace("hidden = gelu(up(a))", "hidden = gelu(upp(a))").replace("logits = logits,", 'tokenizer = "\U0001d54f", logits = nope #')
    wrong = wrong.replace(', tokenizer = "bytes" }', "").replace("nope #", "nope }  #")
    e.print_messages("misspelled", await e.show("main.tin", wrong), "main.tin")
    wrong = MAIN.replace('logits = logits, tokenizer = "bytes"', 'tokenizer = "\U0001d54f", logits = nope')
    e.print_messages("after a wide character", await e.show("main.tin", wrong), "main.tin")
    broken = MAIN.replace("x = table(tokens)", "x = table(tokens").replace("up: Affine(width, 4 * width)", "up: Affine(width, 4 * )")
    e.print_messages("two syntax errors", await e.show("main.tin", broken), "main.tin")
    wrong = MAIN.replace("attention(k, k, k,", "attention(k, k, x,")
    e.print_messages("inside the library", await e.show("main.tin", wrong), "main.tin")
    e.print_messages("mended", await e.show("main.tin", MAIN), "main.tin")
    # The buffer of base.tin is not saved, and main.tin sees it.
    e.expect("main.tin")
    await e.show("base.tin", BASE.replace("O: int", "O: int, more: int"))
    await e.arrived("main.tin")
    e.print_messages("main with an unsaved base", e.messages["main.tin"], "main.tin")
    e.expect("main.tin")
    await e.show("base.tin", BASE)
    await e.arrived("main.tin")
    e.print_messages("main with base as it was", e.messages["main.tin"], "main.tin")


async def hovers(e):
    for before, at in (("block Layer", "k = reshape"), ("x = table", "x = table"), ("config width", "width"), ("h[3]", "h[3]"),
                       ("twice(down", "twice"), ("index(vocab)", "T]"), ("a = reshape(", "attention"), ("z[b", "c) x"),
                       ("sum(c) x", "weight"), ("hidden = gelu(up", "hidden"), ("reshape(norm", "reshape"), ("import base", "base")):
        answer = await e.client.text_document_hover_async(t.HoverParams(**e.place("main.tin", before, at)))
        print("hover", (at + ":"), " / ".join(line for line in answer.contents.value.replace("```tin", "").replace("```", "").split("\n") if line))
    answer = await e.client.text_document_hover_async(t.HoverParams(**e.place("base.tin", "param ", "weight")))
    print("hover alone:", answer.contents.value.replace("\n", " "))


async def navigation(e):
    async def definition(before, at):
        answer = await e.client.text_document_definition_async(t.DefinitionParams(**e.place("main.tin", before, at)))
        print("definition", at, "->", answer and f"{pathlib.Path(answer.uri).name}:{answer.range.start.line + 1}:{answer.range.start.character + 1}")
    for before, at in (("hidden = gelu(", "up("), ("twice(down", "twice"), (", by", "by"), ("import base", "base"), ("up: Affine", "Affine"),
                       ("sum(c) x", "weight"), ("return x", "x"), ("layer(x)", "layer"), ("import std", "std"), ("= logits", "logits"),
                       ("gelu(", "gelu"), ("T = ctx", "ctx"), ("* table", "c]")):
        await definition(before, at)
    for before, at in (("block Layer", "x: "), ("config width", "width"), ("twice(down", "twice")):
        found = await e.client.text_document_references_async(t.ReferenceParams(
            **e.place("main.tin", before, at), context=t.ReferenceContext(include_declaration=True)))
        print("references", at, sorted(f"{pathlib.Path(r.uri).name}:{r.range.start.line + 1}" for r in found))


async def rename(e, name, before, at, new):
    try:
        answer = await e.client.text_document_rename_async(t.RenameParams(**e.place(name, before, at), new_name=new))
    except Exception as error:  # pygls raises the protocol's error
        print(f"rename {at} to {new}: refused: {error}")
        return
    for uri, edits in sorted(answer.changes.items()):
        print(f"rename {at} to {new}:", pathlib.Path(uri).name, [f"{x.range.start.line + 1}:{x.range.start.character + 1}" for x in edits])
    return answer


async def renames(e):
    (e.folder / "third.tin").write_text("import base\nfn four(x: [...]) -> [...] { return twice(twice(x)) }\n")
    await rename(e, "main.tin", "twice(down", "twice", "double")
    await rename(e, "base.tin", "param ", "weight", "kernel")
    await rename(e, "main.tin", "hidden = ", "hidden", "inner")
    await rename(e, "main.tin", "index(vocab)[B, ", "T]", "S")
    for before, at, new in (("hidden = ", "hidden", "1x"), ("hidden = ", "hidden", "sum"), ("hidden = ", "hidden", "a"), ("gelu(", "gelu", "g"),
                            ("config width", "width", "Width"), ("config width", "width", "heads"), ("index(vocab)[B, ", "T]", "time"),
                            ("reshape(", "reshape", "r"), ("hidden = ", "hidden", "width")):
        await rename(e, "main.tin", before, at, new)
    # What rename changes checks as before.
    answer = await e.client.text_document_rename_async(t.RenameParams(**e.place("main.tin", "config width", "width"), new_name="breadth"))
    text = MAIN.split("\n")
    for edit in sorted(answer.changes[e.uri("main.tin")], key=lambda x: (x.range.start.line, x.range.start.character), reverse=True):
        line = text[edit.range.start.line]
        text[edit.range.start.line] = line[:edit.range.start.character] + edit.new_text + line[edit.range.end.character:]
    e.print_messages("after renaming width", await e.show("main.tin", "\n".join(text)), "main.tin")
    await e.show("main.tin", MAIN)


async def completions(e):
    async def complete(title, text, before, at=""):
        await e.show("main.tin", text)
        answer = await e.client.text_document_completion_async(t.CompletionParams(**e.place("main.tin", before, at)))
        labels = [i.label for i in (answer.items if hasattr(answer, "items") else answer)]
        print(f"complete {title}:", len(labels), " ".join(sorted(labels)))
    await complete("member", MAIN.replace("table.weight[v, c]", "table."), "* table.")
    await complete("member of a loop's block", MAIN.replace("x = layer(x) }", "x = layer."), "x = layer.")
    await complete("import", "import \n" + MAIN, "import ")
    await complete("std", "import std.\n" + MAIN, "import std.")
    await complete("task", MAIN.replace("task causal_lm", "task "), "task ")
    await complete("setting", MAIN.replace("steps = 10, ", ""), 'text("*.txt"), ')
    await complete("setting's value", MAIN.replace("cosine(peak = 1e-3)", ""), "lr = ")
    await complete("setting's argument", MAIN.replace("peak = 1e-3)", "peak = 1e-3, "), "peak = 1e-3, ")
    await complete("function of a task", MAIN.replace("logits = logits", "logits = "), "logits = ")
    await complete("block", MAIN.replace("  up: Affine(width, 4 * width)\n", "  \n"), "block Layer {\n  ")
    await e.show("main.tin", MAIN.replace("hidden = gelu(up(a))", "hidden = gelu(up("))
    answer = await e.client.text_document_completion_async(t.CompletionParams(**e.place("main.tin", "hidden = gelu(up(")))
    labels = {i.label for i in answer}
    print("complete expression:", {n: n in labels for n in ("x", "k", "a", "x = ", "up", "twice", "width", "exp", "softmax", "T", "logits", "z")})
    answer = await e.client.text_document_definition_async(t.DefinitionParams(**e.place("main.tin", "hidden = gelu(", "up(")))
    print("definition in a broken file:", answer.range.start.line + 1)
    await e.show("main.tin", MAIN.replace("by = 1)", "by = "))
    answer = await e.client.text_document_signature_help_async(t.SignatureHelpParams(**e.place("main.tin", "by = ")))
    print("signature:", answer.signatures[0].label, answer.active_parameter, answer.signatures[0].documentation)
    await e.show("main.tin", MAIN)


async def layout(e):
    symbols = await e.client.text_document_document_symbol_async(t.DocumentSymbolParams(text_document=e.document("main.tin")))
    print("symbols:", [s.name + (":" + ",".join(c.name for c in s.children) if s.children else "") for s in symbols])
    await e.show("main.tin", MAIN.replace("x = table(tokens)", "x  =table( tokens )"))
    edits = await e.client.text_document_formatting_async(t.DocumentFormattingParams(
        text_document=e.document("main.tin"), options=t.FormattingOptions(tab_size=2, insert_spaces=True)))
    print("formatted:", "x = table(tokens)" in edits[0].new_text, len(edits))
    # Ranges instead of whole texts, one behind a character of two units.
    e.client.text_document_did_change(t.DidChangeTextDocumentParams(
        text_document=t.VersionedTextDocumentIdentifier(uri=e.uri("main.tin"), version=1000),
        content_changes=[t.TextDocumentContentChangeWholeDocument(text="# \U0001d54f x\nconfig a = 1\n"),
                         t.TextDocumentContentChangePartial(text="yes", range=t.Range(start=t.Position(line=0, character=5), end=t.Position(line=0, character=6))),
                         t.TextDocumentContentChangePartial(text="2 + ", range=t.Range(start=t.Position(line=1, character=11), end=t.Position(line=1, character=11)))]))
    edits = await e.client.text_document_formatting_async(t.DocumentFormattingParams(
        text_document=e.document("main.tin"), options=t.FormattingOptions(tab_size=2, insert_spaces=True)))
    answer = await e.client.text_document_hover_async(t.HoverParams(text_document=e.document("main.tin"), position=t.Position(line=1, character=7)))
    print("after ranges:", edits, answer.contents.value.replace("\n", " ").encode())


async def both(e):
    e.texts.pop("f.mlir", None)
    text = "func.func @f(%x: tensor<12xf32>) {\n  %y = graph.reshape %x : tensor<12xf32> to tensor<3x5xf32>\n  return\n}\n"
    found = await e.show("f.mlir", text, "mlir")
    print("mlir beside tin:", [m.message for m in found])
    found = await e.show("f.mlir", text.replace("3x5", "3x4"), "mlir")
    print("mlir mended:", len(found))
    answer = await e.client.text_document_hover_async(t.HoverParams(text_document=e.document("f.mlir"), position=t.Position(line=1, character=8)))
    print("mlir hover:", "graph.reshape" in answer.contents.value)


async def times(e, models):
    """Times of a change of each model until its messages are there."""
    for path in sorted(models.glob("*.tin")) + sorted((models.parent / "std").glob("*.tin")):
        text, taken = path.read_text(), []
        for i in range(5):
            start = time.monotonic()
            await e.show(str(path), text + "\n" * i)
            taken.append(time.monotonic() - start)
        e.client.text_document_did_close(t.DidCloseTextDocumentParams(text_document=e.document(str(path))))
        print(f"time {path.name}: {1000 * min(taken[1:]):.0f} ms", file=sys.stderr)
        assert min(taken[1:]) < 2, f"{path.name}: {taken}"
    print("times: fine")


async def main():
    server, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "base.tin").write_text(BASE)
    client = LanguageClient("test", "1")
    await client.start_io(server)
    answer = await client.initialize_async(t.InitializeParams(process_id=None, root_uri=folder.as_uri(), capabilities=t.ClientCapabilities()))
    print("server:", answer.server_info.name)
    client.initialized(t.InitializedParams())
    e = Editor(client, folder)
    parts = sys.argv[3:]
    await messages(e)
    for part, run in (("hovers", hovers), ("navigation", navigation), ("renames", renames), ("completions", completions), ("layout", layout),
                      ("both", both)):
        if part in parts:
            await run(e)
    if "times" in parts:
        await times(e, pathlib.Path(parts[-1]))
    await client.shutdown_async(None)
    client.exit(None)
    print("exit:", await client._server.wait())
    await client.stop()


asyncio.run(main())
