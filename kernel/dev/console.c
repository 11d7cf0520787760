/* SPDX-License-Identifier: ISC */
/*
 * The console: a virtio-serial device with several ports.
 *
 * Port n of ours (user queues 2n to receive, 2n + 1 to send) is the device's
 * port n + 1: number 0 is special in QEMU (it drops output that the host is
 * slow to read).  Two more queues carry control messages, which only this
 * file speaks.  The kernel's log leaves by the send queue of port
 * CONSOLE_LOG, which users therefore do not have.
 *
 * Sending is done when the doorbell returns, or nearly: so send queues ask
 * for interrupts only while something is outstanding after the kick.
 *
 * A port whose host end is closed swallows what is sent (the device completes
 * it), so nobody waits for a reader who has gone.
 *
 * Locks: dev_lock, but for the log's queue, which is under the log's own lock
 * (klog may be called with dev_lock held) and asks for no interrupts at all.
 */
#include "../arch/x86_64/arch.h"
#include "dev.h"
#include "virtio.h"

#define CONSOLE_PORTS 5u
#define CONSOLE_LOG 3u
#define USER_QUEUES (2 * CONSOLE_PORTS)

/* The device's own queue numbers. */
#define CONTROL_RECEIVE 2u
#define CONTROL_SEND 3u
#define DEVICE_QUEUE(q) ((u16)((q) + 4))	/* of user queue q: port n + 1 begins at 2n + 4 */
#define LOG_QUEUE (2 * CONSOLE_LOG + 1)

#define F_MULTIPORT (1ull << 1)

enum { DEVICE_READY = 0, PORT_ADD = 1, PORT_READY = 3, PORT_OPEN = 6 };
struct control {
	u32 port;
	u16 event;
	u16 value;
};

#define CONTROL_BYTES 64u		/* of a receive buffer; longer names are cut, and not looked at */
#define LOG_BYTES 256u			/* of a log buffer */
#define DRAIN_NS 200000000ull		/* at the machine's end, for the host to take the log */

struct console {
	struct virtio dev;		/* [I] */
	struct virtq user[USER_QUEUES];	/* [dev_lock], but the log's */
	struct virtq receive, send;	/* [dev_lock] control */
	u8 (*received)[CONTROL_BYTES];	/* [dev_lock] VIRTQ_SIZE buffers */
	struct control *sent;		/* [dev_lock] VIRTQ_SIZE messages, a bit of `sending` each */
	u32 sending;			/* [dev_lock] */
	u8 (*log)[LOG_BYTES];		/* VIRTQ_SIZE buffers, under the log's lock, as the rest */
	u32 logging;			/* buffers the device has */
	u64 log_lost;			/* bytes that found no buffer */
};

static struct console *console;		/* [I] the sink gets no argument */

/* ---- completions ------------------------------------------------------------ */

static void
console_reap(struct console *con, u32 queue) REQUIRES(dev_lock)
{
	u64 cookie;
	u32 bytes;

	for (unsigned n = 0; n < VIRTQ_SIZE && virtq_get(&con->user[queue], &cookie, &bytes); n++)
		dev_done(DEV_CONSOLE, queue, cookie, bytes, false);
}

/* ---- control messages ------------------------------------------------------- */

static void
control_reap(struct console *con) REQUIRES(dev_lock)
{
	u64 cookie;
	u32 bytes;

	while (virtq_get(&con->send, &cookie, &bytes))	/* bound: the queue's size */
		con->sending &= ~(1u << cookie);
}

static void
control_send(struct console *con, u32 port, u16 event, u16 value) REQUIRES(dev_lock)
{
	unsigned slot;

	control_reap(con);
	if (con->sending == ~0u) {
		klog("console: control queue full, port %u event %u lost\n", port, event);
		return;
	}
	slot = (unsigned)__builtin_ctz(~con->sending);
	con->sent[slot] = (struct control){ port, event, value };
	if (!virtq_put(&con->send, arch_phys(&con->sent[slot]), sizeof(struct control), false,
		    slot))
		return;			/* queues smaller than VIRTQ_SIZE are refused at boot */
	con->sending |= 1u << slot;
	con->dev.ops->notify(&con->dev, CONTROL_SEND);
}

static void
control_offer(struct console *con, unsigned slot)
{
	virtq_put(&con->receive, arch_phys(con->received[slot]), CONTROL_BYTES, true, slot);
}

/*
 * The host closed a port.  QEMU has returned what it had not begun to send and
 * throws away what comes later, but a buffer that it had sent in part never
 * comes back: it is done too.
 */
static void
port_closed(struct console *con, u32 port) REQUIRES(dev_lock)
{
	u32 queue = 2 * (port - 1) + 1;
	u64 cookie;
	u32 bytes;

	if (port < 1 || port > CONSOLE_PORTS || queue == LOG_QUEUE || con->user[queue].page == NULL)
		return;
	console_reap(con, queue);
	while (virtq_forget(&con->user[queue], &cookie, &bytes)) /* bound: the queue's size */
		dev_done(DEV_CONSOLE, queue, cookie, bytes, false);
}

static void
control_take(struct console *con, const struct control *message) REQUIRES(dev_lock)
{
	if (message->event == PORT_OPEN && message->value == 0)
		port_closed(con, message->port);
	if (message->event != PORT_ADD)
		return;
	control_send(con, message->port, PORT_READY, 1);
	control_send(con, message->port, PORT_OPEN, 1);
}

static void
control_receive(struct console *con) REQUIRES(dev_lock)
{
	struct control message;
	u64 slot;
	u32 bytes;
	bool some = false;

	for (unsigned n = 0; n < VIRTQ_SIZE && virtq_get(&con->receive, &slot, &bytes); n++) {
		memcpy(&message, con->received[slot], sizeof(message));
		control_offer(con, (unsigned)slot);
		some = true;
		if (bytes >= sizeof(message))
			control_take(con, &message);
	}
	if (some)
		con->dev.ops->notify(&con->dev, CONTROL_RECEIVE);
}

/* ---- users' queues ---------------------------------------------------------- */

static bool
console_sends(u32 queue)
{
	return queue & 1;
}

static int
console_submit(void *driver, u32 queue, u64 phys, u32 bytes, u64 cookie) REQUIRES(dev_lock)
{
	struct console *con = driver;

	if (queue == LOG_QUEUE || con->user[queue].page == NULL)
		return -EXO_EDEVICE;
	if (!virtq_put(&con->user[queue], phys, bytes, !console_sends(queue), cookie))
		return -EXO_EBUSY;
	return 0;
}

static void
console_kick(void *driver, u32 queue) REQUIRES(dev_lock)
{
	struct console *con = driver;
	struct virtq *q = &con->user[queue];

	if (!console_sends(queue)) {
		con->dev.ops->notify(&con->dev, DEVICE_QUEUE(queue));
		return;
	}
	virtq_quiet(q, true);
	con->dev.ops->notify(&con->dev, DEVICE_QUEUE(queue));
	console_reap(con, queue);
	if (q->free == q->size)
		return;
	virtq_quiet(q, false);
	console_reap(con, queue);	/* what was done between the look and the flag */
}

static void
console_interrupt(void *driver) REQUIRES(dev_lock)
{
	struct console *con = driver;

	if (con->dev.ops->interrupt(&con->dev) == 0)
		return;
	control_receive(con);
	for (u32 queue = 0; queue < USER_QUEUES; queue++)
		if (queue != LOG_QUEUE && con->user[queue].page != NULL)
			console_reap(con, queue);
}

static const struct driver console_driver = {
	.submit = console_submit,
	.kick = console_kick,
	.sends = console_sends,
	.interrupt = console_interrupt,
};

/* ---- the kernel's log -------------------------------------------------------- */

static bool
log_put(struct console *con, const char *text, u32 bytes)
{
	struct virtq *q = &con->user[LOG_QUEUE];
	unsigned slot;

	if (q->free == 0)
		return false;

	slot = (unsigned)__builtin_ctz(~con->logging);
	con->logging |= 1u << slot;
	memcpy(con->log[slot], text, bytes);
	virtq_put(q, arch_phys(con->log[slot]), bytes, false, slot);
	return true;
}

static void
log_reap(struct console *con)
{
	u64 slot;
	u32 bytes;

	while (virtq_get(&con->user[LOG_QUEUE], &slot, &bytes))	/* bound: the queue's size */
		con->logging &= ~(1u << slot);
}

/* When the host does not read, text is lost and the loss is reported: nobody waits for the log. */
static void
console_log(const char *text, size_t bytes)
{
	static const char lost[] = "[log: text lost]\n";
	struct console *con = console;

	log_reap(con);
	if (con->log_lost && log_put(con, lost, sizeof(lost) - 1))
		con->log_lost = 0;
	while (bytes > 0) {
		u32 part = bytes < LOG_BYTES ? (u32)bytes : LOG_BYTES;

		if (con->log_lost || !log_put(con, text, part)) {
			con->log_lost += bytes;
			break;
		}
		text += part;
		bytes -= part;
	}
	con->dev.ops->notify(&con->dev, DEVICE_QUEUE(LOG_QUEUE));
	log_reap(con);
}

/* The emulator takes buffers when it gets to it, and would take none after the machine's end. */
static void
console_drain(void)
{
	u64 until = now_ns() + DRAIN_NS;

	do {				/* bound: DRAIN_NS */
		log_reap(console);
	} while (console->logging != 0 && now_ns() < until);
}

/* ---- boot -------------------------------------------------------------------- */

static bool
queues_start(struct console *con)
{
	if (!virtio_queue(&con->dev, CONTROL_RECEIVE, &con->receive))
		return false;
	if (!virtio_queue(&con->dev, CONTROL_SEND, &con->send))
		return false;
	if (con->receive.size != VIRTQ_SIZE || con->send.size != VIRTQ_SIZE)
		return false;
	/* A device with fewer ports is as good: their queues then refuse buffers. */
	for (u32 queue = 0; queue < USER_QUEUES; queue++)
		virtio_queue(&con->dev, DEVICE_QUEUE(queue), &con->user[queue]);
	return con->user[LOG_QUEUE].page != NULL;
}

static void
buffers_start(struct console *con)
{
	con->received = boot_alloc(VIRTQ_SIZE * CONTROL_BYTES);
	con->sent = boot_alloc(VIRTQ_SIZE * sizeof(struct control));
	con->log = boot_alloc(VIRTQ_SIZE * LOG_BYTES);
	for (unsigned slot = 0; slot < VIRTQ_SIZE; slot++)
		control_offer(con, slot);
	virtq_quiet(&con->send, true);
	virtq_quiet(&con->user[LOG_QUEUE], true);
}

static void
console_start(struct console *con)
{
	lock_acquire(&dev_lock);
	virtio_ready(&con->dev);
	con->dev.ops->notify(&con->dev, CONTROL_RECEIVE);
	control_send(con, ~0u, DEVICE_READY, 1);
	control_receive(con);		/* an emulated device has answered already */
	lock_release(&dev_lock);
	arch_irq_mask(con->dev.irq, false);
	console = con;
	klog_sink = console_log;
	klog_drain = console_drain;
}

bool
console_boot(const struct virtio *dev)
{
	struct console *con = boot_alloc(sizeof(*con));
	struct exo_device *row;

	con->dev = *dev;
	if (!virtio_begin(&con->dev, F_MULTIPORT) || !queues_start(con)) {
		klog("console: device without ports, or with queues too small\n");
		return false;
	}
	buffers_start(con);
	row = dev_register(DEV_CONSOLE, &console_driver, con);
	row->class_ = EXO_DEV_CONSOLE;
	row->irq = dev->irq;
	row->id = dev->id;
	row->address = dev->address;
	row->queues = USER_QUEUES;
	console_start(con);
	return true;
}
