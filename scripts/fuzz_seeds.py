#!/usr/bin/env python3
"""What fuzzers start from that take their bytes in another form than tests/cases has them.

fuzz_seeds.py FOLDER   writes FOLDER/FUZZER/…
"""
import json
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
out = pathlib.Path(sys.argv[1])


def seed(fuzzer, name, text):
    (out / fuzzer).mkdir(parents=True, exist_ok=True)
    (out / fuzzer / name).write_bytes(text.encode() if isinstance(text, str) else text)


cases = root / "tests/cases/replies"
for case in sorted(cases.glob("*.txt")):
    head, mark, reply = case.read_bytes().partition(b"=== reply\n")
    assert mark, f"{case}: no reply"
    lines = head.decode().splitlines()
    base = next((cases / line.split()[1] for line in lines if line.startswith("base ")), None)
    flags = ("finish length" in lines) * 1 | ("finish refusal" in lines) * 2 | (base is not None) * 8  # as reply_fuzz.cc reads them
    seed("reply_fuzz", case.stem, bytes([flags]) + reply)
    if base is not None:
        # Once with all that stands around the edit, once as it is handed on: without fences.
        bare = b"".join(line for line in reply.splitlines(keepends=True) if not line.startswith((b"```", b"Change:")))
        seed("edit_fuzz", case.stem, base.read_bytes() + b"\xff" + reply)
        seed("edit_fuzz", case.stem + "_bare", base.read_bytes() + b"\xff" + bare)

for number, problem in enumerate(sorted((root / "tests/cases/problems").glob("*.py"))[:4]):
    line = {"level": 1, "problem_id": number + 1, "name": problem.stem, "code": problem.read_text()}
    seed("problems_fuzz", problem.stem, json.dumps(line) + "\n")
seed("problems_fuzz", "sizes", '{"1/19": {"batch_size": 16, "dim": [4, 5.5, true, null, "x"]}}')
seed("problems_fuzz", "set", "dims=(1, [2.5, None], 'x')")

recording = (root / "tests/cases/sessions/softsign_row_mean.jsonl").read_text()
seed("recording_fuzz", "softsign_row_mean", recording)
kept = {}  # of each field, the first few
for line in map(json.loads, recording.splitlines()):
    if line["kind"] == "understood":
        seed("problems_fuzz", "understood", json.dumps(line["understood"]))
    for field in ("problem", "event", "evaluation", "request", "reply"):
        if field in line and kept.setdefault(field, 0) < 8:
            kept[field] += 1
            seed("records_fuzz", f"{field}_{kept[field]}", json.dumps(line[field]))

for target in (root / "targets").glob("*.toml"):
    seed("target_fuzz", target.stem, target.read_text())

watched = {"step": 0, "page_faults": 3, "major_faults": 0, "tasks": 8, "busiest_us": [1.5], "all_us": [3.0], "apart_us": [2.5],
           "chunk_us": [0.5], "lines": {"lines": 4, "shared_lines": 1, "writes": 9, "shared_writes": 2, "looked_at": 64,
                                        "writable": 64, "argument": 1}, "no_lines": ""}
seed("run_protocol_fuzz", "answer", json.dumps({"device_us": 12.5, "before_us": 1, "prepare_us": 0, "involuntary_switches": 0,
                                                "step_us": [12.5], "watched": {"page_fault_us": 0.5, "nodes": 1, "steps": [watched]}}))
seed("run_protocol_fuzz", "ready", '{"ready": 13000}')

seed("dialect_fuzz", "openai", 'data: {"model": "m", "choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}], '
     '"usage": {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}}}\n\ndata: [DONE]\n\n')
seed("dialect_fuzz", "openai_whole", '{"model": "m", "choices": [{"message": {"content": "x"}, "finish_reason": "length"}], '
     '"usage": {"prompt_tokens": 3, "completion_tokens": 1}}')
seed("dialect_fuzz", "anthropic", 'event: message_start\ndata: {"type": "message_start", "message": {"model": "m", "usage": '
     '{"input_tokens": 3, "cache_read_input_tokens": 2}}}\n\nevent: content_block_delta\ndata: {"type": "content_block_delta", '
     '"delta": {"type": "text_delta", "text": "x"}}\n\nevent: message_delta\ndata: {"type": "message_delta", "delta": '
     '{"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}\n\nevent: message_stop\ndata: {"type": "message_stop"}\n\n')
seed("dialect_fuzz", "refused", '{"error": {"type": "rate_limit_error", "code": "x", "message": "slow down"}}')

batches = {
    "anthropic": [{"custom_id": "a", "result": {"type": "succeeded", "message": {"content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"}}},
                  {"custom_id": "b", "result": {"type": "errored", "error": {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}}},
                  {"custom_id": "c", "result": {"type": "expired"}},
                  {"id": "m", "processing_status": "ended", "results_url": "https://other.host/x"}],
    "openai": [{"custom_id": "a", "error": None, "response": {"status_code": 200, "body": {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}}},
               {"custom_id": "b", "response": {"status_code": 400, "body": {"error": {"message": "too long", "type": "invalid_request_error"}}}},
               {"custom_id": "c", "response": None, "error": {"code": "batch_expired", "message": "late"}},
               {"status": "completed", "output_file_id": "o", "error_file_id": "e"},
               {"status": "failed", "errors": {"data": [{"message": "x"}]}}],
}
for provider, lines in batches.items():
    seed("batch_fuzz", provider, "\n".join(map(json.dumps, lines)))

seed("expansion_meta_fuzz", "asked", json.dumps({"schema": 1, "session": "0123456789ab", "problem": "kernelbench/1/19", "expansion": 3,
                                                 "attempt": 1, "request": "00", "answer": "reply.md beside this file"}))

for case in sorted((root / "tests/cases/candidate/plans").iterdir()):
    seed("plan_fuzz", case.name, bytes([case.suffix == ".py"]) + case.read_bytes())  # as plan_fuzz.cc reads it
for number, line in enumerate((root / "tests/cases/candidate/expressions.txt").read_text().splitlines()):
    if "=>" in line:
        seed("expression_fuzz", str(number), line.partition(" =>")[0])
for case in sorted((root / "tests/cases/ttgir").glob("*.ttgir")):
    seed("ttgir_fuzz", case.stem, case.read_bytes())
for case in sorted((root / "tests/cases/profiles").iterdir()):
    seed("profile_fuzz" if case.suffix == ".csv" else "proton_fuzz", case.name, case.read_bytes())
for case in sorted((root / "tests/cases/gpu").glob("*.cu")):
    seed("emulated_fuzz", case.stem, case.read_bytes())
seed("prices_fuzz", "prices", (root / "models/prices.toml").read_bytes())

# Texts that unit tests read: their raw strings. Kernels are called k there.
for fuzzer, test, name in (("hot_loop_fuzz", "target/cpu/hot_loop", "dot"), ("device_protocol_fuzz", "candidate/device_protocol", "k"),
                           ("torch_trace_fuzz", "evaluate/profile/torch_trace", "k")):
    texts = re.findall(r'R"(\w*)\((.*?)\)\1"', (root / f"src/{test}_test.cc").read_text(), re.DOTALL)
    assert texts, f"{test}_test.cc: no raw strings"
    for number, (_, text) in enumerate(texts):
        seed(fuzzer, f"{pathlib.Path(test).name}_{number}", re.sub(rf"\b{name}\b", "k", text))

seed("messages_fuzz", "error", "candidate:14:44: error: 'total' was not declared\ncandidate:15:3: note: suggested\n")
seed("messages_fuzz", "remark", "candidate:9:3: remark: loop not vectorized: call cannot be vectorized [-Rpass-analysis=loop-vectorize]\n")
seed("nvrtc_log_fuzz", "error", b'candidate(2): error: identifier "nothing" is undefined\n    out[0] = nothing + 1;\n             ^\n\n'
     b'1 error detected in the compilation of "candidate".\n\xffvoid k() {\n  out[0] = nothing + 1;\n}\n')
