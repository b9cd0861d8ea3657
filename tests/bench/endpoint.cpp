// SPDX-License-Identifier: Apache-2.0
// A service endpoint that costs as little as possible, for measuring a durable-execution server:
// it speaks the service protocol V5/V6 over cleartext HTTP/2 (prior knowledge), one thread, no journal checks.
//
//   c++ -O2 -std=c++20 endpoint.cpp -lnghttp2 -o endpoint && ./endpoint 19900 [file that counts ended invocations]
//
// Services it announces:
//   Bench/echo          returns its input
//   Bench/steps         input: a decimal number n; n durable run steps, one after another; returns n
//   Bench/sleep         input: milliseconds; sleeps durably; returns the input
//   Bench/call          calls Bench/echo with its input and returns the result
//   Counter/{key}/add   input: a decimal number; adds it to the state "v"; returns the sum
//   Counter/{key}/get   returns the state "v"
// A cancelled invocation ends with failure 409. The input to steps may be followed by a run's payload size in bytes: "5 1024".
#include <nghttp2/nghttp2.h>

#include <arpa/inet.h>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <set>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

// ---- protobuf and frames, just enough ----------------------------------------------------------

void put_varint(std::string& out, uint64_t v) {
  while (v >= 0x80) {
    out.push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out.push_back(static_cast<char>(v));
}
void put_uint(std::string& out, int field, uint64_t v) {
  put_varint(out, static_cast<uint64_t>(field) << 3);
  put_varint(out, v);
}
void put_bytes(std::string& out, int field, std::string_view v) {
  put_varint(out, (static_cast<uint64_t>(field) << 3) | 2);
  put_varint(out, v.size());
  out.append(v);
}
std::string value_of(std::string_view content) {
  std::string v;
  if (!content.empty()) put_bytes(v, 1, content);
  return v;
}

struct Field {
  int number;
  uint64_t integer;
  std::string_view bytes;
};
struct Reader {
  std::string_view in;
  bool next(Field& f) {
    if (in.empty()) return false;
    uint64_t tag = varint();
    f = {static_cast<int>(tag >> 3), 0, {}};
    switch (tag & 7) {
      case 0: f.integer = varint(); return true;
      case 2: {
        auto n = std::min<uint64_t>(varint(), in.size());
        f.bytes = in.substr(0, n);
        in.remove_prefix(n);
        return true;
      }
      case 1: in.remove_prefix(std::min<size_t>(8, in.size())); return true;
      case 5: in.remove_prefix(std::min<size_t>(4, in.size())); return true;
      default: in = {}; return false;
    }
  }
  uint64_t varint() {
    uint64_t v = 0;
    for (int shift = 0; !in.empty() && shift < 64; shift += 7) {
      auto b = static_cast<uint8_t>(in.front());
      in.remove_prefix(1);
      v |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (!(b & 0x80)) break;
    }
    return v;
  }
};
std::string_view sub(std::string_view message, int field) {
  Reader r{message};
  for (Field f; r.next(f);)
    if (f.number == field) return f.bytes;
  return {};
}
enum Type : uint16_t {
  kStart = 0x0000, kSuspension = 0x0001, kError = 0x0002, kEnd = 0x0003, kProposeRun = 0x0005,
  kInput = 0x0400, kOutput = 0x0401, kSetState = 0x0403, kGetEagerState = 0x0407,
  kSleep = 0x040c, kCall = 0x040d, kRun = 0x0411,
  kSleepDone = 0x800c, kCallDone = 0x800d, kCallId = 0x800e, kRunDone = 0x8011, kSignal = 0xfbff,
};
void put_frame(std::string& out, Type type, std::string_view body) {
  uint32_t length = htonl(static_cast<uint32_t>(body.size()));
  char head[8] = {static_cast<char>(type >> 8), static_cast<char>(type & 0xff), 0, 0};
  std::memcpy(head + 4, &length, 4);
  out.append(head, 8);
  out.append(body);
}

uint64_t now_ms() {
  timeval t{};
  gettimeofday(&t, nullptr);
  return static_cast<uint64_t>(t.tv_sec) * 1000 + t.tv_usec / 1000;
}

// ---- one invocation attempt --------------------------------------------------------------------

// Invocations that ended here, in a file that the measuring script reads (argv[2]), so that it can wait for a backlog.
uint64_t no_file = 0;
uint64_t* ended = &no_file;

struct Stream {
  std::string path, content_type = "application/vnd.restate.invocation.v5";
  std::string in, out;
  size_t out_at = 0;
  bool deferred = false, headers_sent = false, finished = false, input_ended = false;
  // replay
  bool started = false;
  uint32_t known = 0, seen = 0;
  std::string input, state;
  bool has_state = false;
  uint32_t runs = 0, runs_done = 0;
  bool sleeping = false, slept = false, calling = false, called = false, cancelled = false;
  std::string call_result;

  bool replayed() const { return started && seen >= known; }

  void on_frame(uint16_t type, std::string_view body) {
    if (type == kStart) {
      started = true;
      Reader r{body};
      for (Field f; r.next(f);) {
        if (f.number == 3) known = static_cast<uint32_t>(f.integer);
        if (f.number == 4 && sub(f.bytes, 1) == "v") has_state = true, state = sub(f.bytes, 2);
      }
      return;
    }
    ++seen;
    switch (type) {
      case kInput: input = sub(sub(body, 14), 1); break;
      case kRun: ++runs; break;
      case kRunDone: ++runs_done; break;
      case kSleep: sleeping = true; break;
      case kSleepDone: slept = true; break;
      case kCall: calling = true; break;
      case kSignal: {
        Reader r{body};
        for (Field f; r.next(f);) cancelled |= f.number == 2 && f.integer == 1;
        break;
      }
      case kCallDone: called = true, call_result = sub(sub(body, 5), 1); break;
      default: break;
    }
  }

  void command(Type type, std::string_view body) { put_frame(out, type, body); }
  void finish(std::string_view result) {
    std::string body;
    put_bytes(body, 14, value_of(result));
    command(kOutput, body);
    command(kEnd, {});
    finished = true;
    ++*ended;
  }
  void fail(uint32_t code, std::string_view message) {
    std::string failure, body;
    put_uint(failure, 1, code);
    put_bytes(failure, 2, message);
    put_bytes(body, 15, failure);
    command(kOutput, body);
    command(kEnd, {});
    finished = true;
    ++*ended;
  }
  void suspend_if_input_ended(uint32_t completion) {
    if (!input_ended) return;
    std::string body;
    std::string ids;
    put_varint(ids, completion);
    put_bytes(body, 1, ids);
    std::string cancel;
    put_varint(cancel, 1);
    put_bytes(body, 2, cancel);
    command(kSuspension, body);
    finished = true;
  }

  void advance() {
    if (finished || !replayed()) return;
    if (cancelled) return fail(409, "cancelled");
    auto handler = std::string_view(path).substr(path.rfind('/') + 1);
    if (handler == "echo") return finish(input);
    if (handler == "get" || handler == "add") {
      std::string get;
      put_bytes(get, 1, "v");
      if (has_state) put_bytes(get, 14, value_of(state));
      else put_bytes(get, 13, {});
      command(kGetEagerState, get);
      if (handler == "get") return finish(has_state ? state : "0");
      auto sum = std::to_string(std::atoll(state.c_str()) + std::atoll(input.c_str()));
      std::string set;
      put_bytes(set, 1, "v");
      put_bytes(set, 3, value_of(sum));
      command(kSetState, set);
      return finish(sum);
    }
    if (handler == "steps") {
      char* rest = nullptr;
      auto steps = static_cast<uint32_t>(std::strtoul(input.c_str(), &rest, 10));
      auto size = std::strtoul(rest, nullptr, 10);
      if (runs_done >= steps) return finish(std::to_string(steps));
      if (runs == runs_done) {
        std::string run;
        put_uint(run, 11, ++runs);
        put_bytes(run, 12, "step");
        command(kRun, run);
        propose(size);
      } else if (!proposed_ || proposed_ != runs) {
        propose(size);
      }
      return suspend_if_input_ended(runs);
    }
    if (handler == "sleep") {
      if (slept) return finish(input);
      if (!sleeping) {
        std::string body;
        put_uint(body, 1, now_ms() + std::strtoull(input.c_str(), nullptr, 10));
        put_uint(body, 11, 1);
        command(kSleep, body);
        sleeping = true;
      }
      return suspend_if_input_ended(1);
    }
    if (handler == "call") {
      if (called) return finish(call_result);
      if (!calling) {
        std::string body;
        put_bytes(body, 1, "Bench");
        put_bytes(body, 2, "echo");
        put_bytes(body, 3, input);
        put_uint(body, 10, 1);
        put_uint(body, 11, 2);
        command(kCall, body);
        calling = true;
      }
      return suspend_if_input_ended(2);
    }
    finish("unknown handler");
  }

 private:
  void propose(unsigned long size) {
    std::string body;
    put_uint(body, 1, runs);
    put_bytes(body, 14, size ? std::string(size, 'x') : std::string("1"));
    command(kProposeRun, body);
    proposed_ = runs;
  }
  uint32_t proposed_ = 0;
};

constexpr std::string_view kManifest =
    R"({"protocolMode":"BIDI_STREAM","minProtocolVersion":5,"maxProtocolVersion":6,"services":[)"
    R"({"name":"Bench","ty":"SERVICE","handlers":[{"name":"echo"},{"name":"steps"},{"name":"sleep"},{"name":"call"}]},)"
    R"({"name":"Counter","ty":"VIRTUAL_OBJECT","handlers":[{"name":"add","ty":"EXCLUSIVE"},{"name":"get","ty":"EXCLUSIVE"}]}]})";

// ---- HTTP/2 --------------------------------------------------------------------------------------

struct Connection {
  int fd = -1;
  nghttp2_session* session = nullptr;
  std::map<int32_t, std::unique_ptr<Stream>> streams;
  std::string pending;
  size_t pending_at = 0;
  ~Connection() {
    nghttp2_session_del(session);
    close(fd);
  }
};

ssize_t read_body(nghttp2_session*, int32_t, uint8_t* buffer, size_t length, uint32_t* flags,
                  nghttp2_data_source* source, void*) {
  auto& s = *static_cast<Stream*>(source->ptr);
  auto n = std::min(length, s.out.size() - s.out_at);
  std::memcpy(buffer, s.out.data() + s.out_at, n);
  s.out_at += n;
  if (s.out_at == s.out.size()) {
    s.out.clear();
    s.out_at = 0;
    if (s.finished) *flags |= NGHTTP2_DATA_FLAG_EOF;
    else if (n == 0) {
      s.deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
  }
  return static_cast<ssize_t>(n);
}

void respond(Connection& c, int32_t id, Stream& s, const char* status) {
  auto nv = [](std::string_view n, std::string_view v) {
    return nghttp2_nv{(uint8_t*)n.data(), (uint8_t*)v.data(), n.size(), v.size(), NGHTTP2_NV_FLAG_NONE};
  };
  nghttp2_nv headers[] = {nv(":status", status), nv("content-type", s.content_type)};
  nghttp2_data_provider body{{.ptr = &s}, read_body};
  nghttp2_submit_response(c.session, id, headers, 2, &body);
  s.headers_sent = true;
}

void pump(Connection& c, int32_t id, Stream& s) {
  if (s.path.find("/invoke/") == std::string::npos) return;
  size_t at = 0;
  while (s.in.size() - at >= 8) {
    auto* p = reinterpret_cast<const uint8_t*>(s.in.data() + at);
    uint32_t length = (uint32_t(p[4]) << 24) | (p[5] << 16) | (p[6] << 8) | p[7];
    if (s.in.size() - at - 8 < length) break;
    s.on_frame(static_cast<uint16_t>((p[0] << 8) | p[1]), std::string_view(s.in).substr(at + 8, length));
    at += 8 + length;
  }
  s.in.erase(0, at);
  s.advance();
  if (!s.headers_sent) return respond(c, id, s, "200");
  if (s.deferred && (!s.out.empty() || s.finished)) {
    s.deferred = false;
    nghttp2_session_resume_data(c.session, id);
  }
}

int on_begin_headers(nghttp2_session* session, const nghttp2_frame* f, void* user) {
  auto& c = *static_cast<Connection*>(user);
  if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  auto s = std::make_unique<Stream>();
  nghttp2_session_set_stream_user_data(session, f->hd.stream_id, s.get());
  c.streams[f->hd.stream_id] = std::move(s);
  return 0;
}
int on_header(nghttp2_session* session, const nghttp2_frame* f, const uint8_t* name, size_t nlen,
              const uint8_t* value, size_t vlen, uint8_t, void*) {
  auto* s = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, f->hd.stream_id));
  if (!s) return 0;
  std::string_view n((const char*)name, nlen), v((const char*)value, vlen);
  if (n == ":path") s->path = v.substr(0, v.find('?'));
  if (n == "content-type" && v.starts_with("application/vnd.restate.invocation")) s->content_type = v;
  return 0;
}
int on_frame(nghttp2_session* session, const nghttp2_frame* f, void* user) {
  auto& c = *static_cast<Connection*>(user);
  if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA) return 0;
  auto* s = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, f->hd.stream_id));
  if (!s) return 0;
  if (f->hd.flags & NGHTTP2_FLAG_END_STREAM) s->input_ended = true;
  if (f->hd.type == NGHTTP2_HEADERS && s->path.ends_with("/discover")) {
    s->content_type = "application/vnd.restate.endpointmanifest.v1+json";
    s->out = kManifest;
    s->finished = true;
    respond(c, f->hd.stream_id, *s, "200");
    return 0;
  }
  pump(c, f->hd.stream_id, *s);
  return 0;
}
int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t length, void*) {
  if (auto* s = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id)))
    s->in.append(reinterpret_cast<const char*>(data), length);
  return 0;
}
int on_close(nghttp2_session* session, int32_t id, uint32_t, void* user) {
  nghttp2_session_set_stream_user_data(session, id, nullptr);
  static_cast<Connection*>(user)->streams.erase(id);
  return 0;
}

bool flush(Connection& c, int epoll) {
  for (;;) {
    while (c.pending_at < c.pending.size()) {
      auto n = send(c.fd, c.pending.data() + c.pending_at, c.pending.size() - c.pending_at, MSG_NOSIGNAL);
      if (n < 0) {
        if (errno != EAGAIN) return false;
        epoll_event e{.events = EPOLLIN | EPOLLOUT, .data = {.ptr = &c}};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c.fd, &e);
        return true;
      }
      c.pending_at += n;
    }
    c.pending.clear();
    c.pending_at = 0;
    while (c.pending.size() < 256 * 1024) {
      const uint8_t* data = nullptr;
      auto n = nghttp2_session_mem_send(c.session, &data);
      if (n < 0) return false;
      if (n == 0) break;
      c.pending.append(reinterpret_cast<const char*>(data), n);
    }
    if (c.pending.empty()) return true;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  int port = argc > 1 ? std::atoi(argv[1]) : 19900;
  if (argc > 2) {
    int file = open(argv[2], O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, sizeof *ended)) return 1;
    void* page = mmap(nullptr, sizeof *ended, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) return 1;
    ended = static_cast<uint64_t*>(page);
  }
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  if (bind(listener, (sockaddr*)&address, sizeof address) || listen(listener, 512)) {
    std::cerr << "cannot listen on 127.0.0.1:" << port << ": " << strerror(errno) << "\n";
    return 1;
  }
  int epoll = epoll_create1(0);
  epoll_event le{.events = EPOLLIN, .data = {.ptr = nullptr}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &le);

  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);

  std::set<std::unique_ptr<Connection>> connections;
  static char buffer[256 * 1024];
  epoll_event events[128];
  for (;;) {
    int n = epoll_wait(epoll, events, 128, -1);
    for (int i = 0; i < n; ++i) {
      auto* c = static_cast<Connection*>(events[i].data.ptr);
      if (!c) {
        for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          auto fresh = std::make_unique<Connection>();
          fresh->fd = fd;
          nghttp2_session_server_new(&fresh->session, callbacks, fresh.get());
          nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 10000},
                                               {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}};
          nghttp2_submit_settings(fresh->session, NGHTTP2_FLAG_NONE, settings, 2);
          nghttp2_session_set_local_window_size(fresh->session, NGHTTP2_FLAG_NONE, 0, 64 << 20);
          epoll_event e{.events = EPOLLIN, .data = {.ptr = fresh.get()}};
          epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
          flush(*fresh, epoll);
          connections.insert(std::move(fresh));
        }
        continue;
      }
      bool alive = true;
      if (events[i].events & EPOLLIN) {
        auto got = recv(c->fd, buffer, sizeof buffer, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) alive = false;
        else if (got > 0 && nghttp2_session_mem_recv(c->session, (uint8_t*)buffer, got) < 0) alive = false;
      }
      if (events[i].events & (EPOLLHUP | EPOLLERR)) alive = false;
      if (alive && (events[i].events & EPOLLOUT)) {
        epoll_event e{.events = EPOLLIN, .data = {.ptr = c}};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e);
      }
      if (alive) alive = flush(*c, epoll);
      if (!alive)
        for (auto it = connections.begin(); it != connections.end(); ++it)
          if (it->get() == c) {
            connections.erase(it);
            break;
          }
    }
  }
}
