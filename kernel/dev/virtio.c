/* SPDX-License-Identifier: ISC */
/* Starting a virtio device, whatever its transport (virtio 1.2, 3.1.1). */
#include "../arch/x86_64/arch.h"
#include "virtio.h"

#define RESET_POLLS 100000u

bool
virtio_begin(struct virtio *dev, u64 features)
{
	const struct virtio_transport *ops = dev->ops;
	u64 offered;

	ops->set_status(dev, 0);
	for (unsigned poll = 0; ops->status(dev) != 0; poll++)
		if (poll == RESET_POLLS)
			return false;
	ops->set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	offered = ops->features(dev, 0) | (u64)ops->features(dev, 1) << 32;
	features |= VIRTIO_F_VERSION_1;
	if ((offered & features) != features) {
		ops->set_status(dev, VIRTIO_FAILED);
		return false;
	}
	ops->set_features(dev, 0, (u32)features);
	ops->set_features(dev, 1, (u32)(features >> 32));
	ops->set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	return ops->status(dev) & VIRTIO_FEATURES_OK;
}

bool
virtio_queue(struct virtio *dev, u16 queue, struct virtq *q)
{
	u16 max = queue < VIRTIO_QUEUES_MAX ? dev->ops->queue_max(dev, queue) : 0;
	u16 size = VIRTQ_SIZE;
	struct virtq_page *page;

	if (max == 0)
		return false;
	while (size > max)
		size /= 2;
	page = boot_alloc(sizeof(*page));
	virtq_init(q, page, size);
	dev->ops->queue_start(dev, queue, size, arch_phys(page));
	return true;
}

void
virtio_ready(struct virtio *dev)
{
	dev->ops->set_status(dev,
		VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}
