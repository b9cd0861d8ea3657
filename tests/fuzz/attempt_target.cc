// SPDX-License-Identifier: Apache-2.0
//
// One attempt, from its start to its end: an InvocationStream inside an Attempt inside its host,
// with a stream, a mailbox and a clock that the input plays, and a partition that answers as the
// machine does. Whatever comes in which order: what is submitted is in order and ends with one last
// word, what is sent is the journal as far as it goes, and in the end the slot is free.
//   input: head (4 bytes: version, entries, inactivity, abort), then steps
#include "perdure/protocol/invocation_stream.h"
#include "perdure/protocol/notifications.h"
#include "protocol/frame.h"
#include "tests/fuzz/target.h"
#include "tests/unit/invoker/fakes.h"

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace perdure::fuzz {
namespace {

using invoker_test::Bench;
using invoker_test::EntryOf;
using invoker_test::StreamLog;

constexpr size_t kMessageBytesMax = 4096;
constexpr DurationMs kLong = 3'600'000;

class Play {
 public:
  explicit Play(Cursor& in) : bench_(2, kMessageBytesMax) {
    StartAttempt start = bench_.StartOf(1, 7);
    start.protocol_version = kProtocolVersionMin + in.Byte() % 3;
    const uint8_t entries = in.Byte();
    start.inactivity_timeout = DurationMs{in.Byte()} * 16;
    start.abort_timeout = DurationMs{in.Byte()} * 16;
    journal_.push_back(EntryOf(0, MessageType::kInputCommand, "\x72"));
    for (JournalIndex index = 1; index <= entries % 8U; ++index) {
      const bool run = index % 2 == 1;
      journal_.push_back(EntryOf(
          index, run ? MessageType::kRunCommand : MessageType::kSignal, std::string(index, 'e')));
    }
    cut_ = static_cast<JournalIndex>(journal_.size());
    start.known_entries = cut_;
    start.journal = Read(0, 1 + entries / 8U % 8U);
    content_type_ = InvocationContentType(start.protocol_version);
    id_ = start.id;
    epoch_ = start.epoch;
    stream_ = &bench_.Start(std::move(start));
  }

  void Step(Cursor& in) {
    switch (in.Byte() % 14) {
      case 0:
        Head(200, content_type_);
        return;
      case 1:
        Head(100 + in.Byte() * 3, in.Byte() % 2 == 0 ? content_type_ : "text/plain");
        return;
      case 2:
      case 3: {
        const size_t size = in.Byte();
        Data(in.Bytes(size));
        return;
      }
      case 4:
      case 5:
        Data(GoldenFrames()[in.Byte() % GoldenFrames().size()]);
        return;
      case 6:
        if (listening() && head_seen_) {
          listener_gone_ = true;
          stream_->listener->OnEnd();
        }
        return;
      case 7:
        if (listening()) {
          listener_gone_ = true;
          stream_->listener->OnFailure(static_cast<HttpFailure>(in.Byte() % 6), "lost");
        }
        return;
      case 8:
        bench_.time.Advance(DurationMs{in.Byte()} * 16);
        return;
      case 9:
        Take(size_t{in.Byte()} % 4 + 1);
        return;
      case 10:
        Append(EntryOf(Next(), MessageType::kSignal, std::string(in.Byte(), 's')));
        return;
      case 11:
        Deliver();
        return;
      case 12:
        Stop(in.Byte() % 8 == 0 ? StopAttempt::How::kReset : StopAttempt::How::kHalfClose);
        return;
      default:
        stream_->unsent = size_t{in.Byte()} * 1024;
        if (listening()) {
          stream_->listener->OnDrained();
        }
        return;
    }
  }

  // Nothing more comes from outside but time.
  void Finish() {
    stream_->unsent = 0;
    for (int round = 0; round < 100 && (stream_->open() || !bench_.gateway.items.empty());
         ++round) {
      if (listening()) {
        stream_->listener->OnDrained();
      }
      Take(1000);
      while (!effects_.empty()) {
        Deliver();
      }
      bench_.time.Advance(kLong);
    }
    PERDURE_ASSERT(!stream_->open());
    PERDURE_ASSERT(bench_.gateway.items.empty());
    PERDURE_ASSERT(over_ || reset_);
    PERDURE_ASSERT(bench_.SlotsInUse() == 0);
    PERDURE_ASSERT(bench_.host->Live().empty());
    CheckWritten();
  }

 private:
  bool listening() const { return stream_->open() && !listener_gone_; }
  JournalIndex Next() const { return static_cast<JournalIndex>(journal_.size()); }

  void Head(int status, const std::string& content_type) {
    if (listening() && !head_seen_) {
      head_seen_ = true;
      stream_->listener->OnHead(
          status, HttpHeaders{{"content-type", content_type}, {"x-restate-server", "fuzz/1"}});
    }
  }

  void Data(BytesView bytes) {
    if (listening() && head_seen_ && !bytes.empty()) {
      stream_->listener->OnData(bytes);
    }
  }

  void Stop(StopAttempt::How how) {
    if (!over_ && !reset_) {
      reset_ = how == StopAttempt::How::kReset;
      bench_.host->Stop(StopAttempt{id_, epoch_, how});
    }
  }

  // What the partition does with a command of an attempt.
  void Take(size_t count) {
    for (; count > 0; --count) {
      std::optional<Command> command = bench_.gateway.Take();
      if (!command) {
        break;
      }
      PERDURE_ASSERT(!over_);
      if (const auto* append = std::get_if<JournalAppend>(&*command)) {
        TakeFrames(*append);
      } else if (const auto* read = std::get_if<ReadJournal>(&*command)) {
        PERDURE_ASSERT(read->epoch == epoch_);
        PERDURE_ASSERT(read->from < Next());
        NotifyAttempt answer{id_, epoch_, Read(read->from, 3), false, true};
        handed_to_ = answer.chunk.next;
        lagging_ = handed_to_ < Next();
        effects_.push_back(std::move(answer));
      } else if (std::holds_alternative<AttemptFailed>(*command)) {
        over_ = true;
      } else {
        PERDURE_ASSERT(std::holds_alternative<AttemptHead>(*command));
      }
    }
    bench_.time.RunPosted();
  }

  void TakeFrames(const JournalAppend& append) {
    PERDURE_ASSERT(append.epoch == epoch_);
    PERDURE_ASSERT(append.first_frame == frames_);
    PERDURE_ASSERT(!append.frames.empty());
    frames_ += append.frames.size();
    for (const SdkFrame& frame : append.frames) {
      PERDURE_ASSERT(!over_);
      if (IsCommand(frame.type)) {
        journal_.push_back(EntryOf(Next(), frame.type, std::string(frame.payload.view())));
      } else if (const auto* run = std::get_if<ProposeRunCompletion>(&frame.message)) {
        const SharedBytes payload = EncodeResultCompletion(run->result_completion_id, run->result);
        Append(EntryOf(Next(), MessageType::kRunCompletion, std::string(payload.view())));
      } else {
        over_ = true;
      }
    }
  }

  // As the machine tells a live attempt of a notification.
  void Append(JournalEntry entry) {
    journal_.push_back(std::move(entry));
    if (lagging_ || over_ || reset_) {
      return;
    }
    NotifyAttempt notify{id_, epoch_, {}, false};
    notify.chunk.from = handed_to_;
    if (handed_to_ < cut_ || Next() % 5 == 0) {
      lagging_ = true;
      notify.lagging = true;
      notify.chunk.next = handed_to_;
      notify.chunk.journal_length = Next();
    } else {
      notify.chunk = Read(handed_to_, journal_.size());
    }
    handed_to_ = notify.chunk.next;
    effects_.push_back(std::move(notify));
  }

  JournalChunk Read(JournalIndex from, size_t count) {
    JournalChunk chunk;
    chunk.from = from;
    chunk.next = static_cast<JournalIndex>(std::min(journal_.size(), from + count));
    chunk.journal_length = Next();
    for (JournalIndex index = from; index < chunk.next; ++index) {
      if (index < cut_ || IsNotification(journal_[index].type)) {
        chunk.entries.push_back(journal_[index]);
      }
    }
    if (from == 0) {
      handed_to_ = chunk.next;
      lagging_ = handed_to_ < cut_;
    }
    return chunk;
  }

  void Deliver() {
    if (!effects_.empty()) {
      NotifyAttempt notify = std::move(effects_.front());
      effects_.pop_front();
      bench_.host->Notify(std::move(notify));
      bench_.time.RunPosted();
    }
  }

  // Start, the journal below the cut, then the notifications behind it: as far as it goes.
  void CheckWritten() const {
    FrameDecoder decoder(size_t{1} << 20);
    std::vector<Frame> frames;
    PERDURE_ASSERT(decoder.Feed(stream_->written, frames));
    PERDURE_ASSERT(!decoder.inside_frame());
    size_t index = 0;
    for (size_t i = 0; i < frames.size(); ++i) {
      if (i == 0) {
        PERDURE_ASSERT(frames[0].header.type == MessageType::kStart);
        continue;
      }
      while (index < journal_.size() && index >= cut_ && !IsNotification(journal_[index].type)) {
        ++index;
      }
      PERDURE_ASSERT(index < journal_.size());
      const JournalEntry& entry = journal_[index];
      if (frames[i].header.type == MessageType::kProposeRunCompletionAck) {
        // In the place of the result, where the SDK asked for it.
        PERDURE_ASSERT(index >= cut_ && entry.type == MessageType::kRunCompletion);
      } else {
        PERDURE_ASSERT(frames[i].header.type == entry.type);
        PERDURE_ASSERT(frames[i].payload == entry.payload);
      }
      ++index;
    }
  }

  Bench bench_;
  StreamLog* stream_ = nullptr;
  InvocationId id_;
  AttemptEpoch epoch_;
  std::string content_type_;
  bool head_seen_ = false;
  bool listener_gone_ = false;  // it has heard the end of its stream
  bool reset_ = false;          // by the partition
  bool over_ = false;           // the last word is in the mailbox
  uint64_t frames_ = 0;
  std::vector<JournalEntry> journal_;
  JournalIndex cut_ = 0;
  JournalIndex handed_to_ = 0;
  bool lagging_ = false;
  std::deque<NotifyAttempt> effects_;
};

}  // namespace

void FuzzAttempt(BytesView input) {
  Cursor in(input);
  Play play(in);
  while (!in.empty()) {
    play.Step(in);
  }
  play.Finish();
}

}  // namespace perdure::fuzz
