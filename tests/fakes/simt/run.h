// Runs a kernel over a grid; goes behind the source.  See simt.h.

namespace simt {

typedef unsigned long long Word;
typedef void Kernel(Word, Word, Word, Word, Word, Word, Word, Word);

static Kernel *kernel;
static Word arguments[MAX_ARGUMENTS];

static void lane_main()
{
    // A kernel that takes fewer does not look at the rest.
    const Word *a = arguments;
    kernel(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    current->ended = true;
    wait();
}

static void begin(Lane &lane, unsigned thread)
{
    lane.thread = thread;
    lane.ended = lane.waits = false;
    getcontext(&lane.context);
    lane.context.uc_stack.ss_sp = lane.stack;
    lane.context.uc_stack.ss_size = sizeof lane.stack;
    lane.context.uc_link = nullptr;
    makecontext(&lane.context, lane_main, 0);
}

static void resume(Lane &lane)
{
    lane.waits = false;
    current = &lane;
    thread_index.x = lane.thread;
    swapcontext(&scheduler, &lane.context);
}

// What all lanes gave, each the one so far behind it; those at the end keep their own.
static void shuffle()
{
    Word given[WARP];
    for (int i = 0; i < WARP; ++i) {
        if (!lanes[i].waits)
            problem = "a shuffle waits for lanes that have ended or never were";
        else if (lanes[i].distance != lanes[0].distance)
            problem = "lanes of a warp are at different shuffles";
        given[i] = lanes[i].value;
    }
    for (int i = 0; i < WARP; ++i)
        lanes[i].value = given[i + lanes[i].distance < WARP ? i + lanes[i].distance : i];
}

static void run_warp(unsigned first_thread)
{
    for (unsigned i = 0; i < WARP; ++i) {
        begin(lanes[i], first_thread + i);
        lanes[i].ended = first_thread + i >= block_size.x;
    }
    for (bool waiting = true; waiting && !problem;) {
        // Backwards in every other block: no result may depend on the order.
        for (int i = 0; i < WARP; ++i) {
            Lane &lane = lanes[block_index.x % 2 ? WARP - 1 - i : i];
            if (!lane.ended)
                resume(lane);
        }
        waiting = false;
        for (const Lane &lane : lanes)
            waiting = waiting || lane.waits;
        if (waiting)
            shuffle();
    }
}

}  // namespace simt

// What is wrong with the kernel, or null.
extern "C" const char *simt_launch(simt::Kernel *kernel, unsigned blocks, unsigned threads,
                                   const simt::Word *arguments)
{
    using namespace simt;
    simt::kernel = kernel;
    std::memcpy(simt::arguments, arguments, sizeof simt::arguments);
    problem = nullptr;
    grid_size.x = blocks;
    block_size.x = threads;
    for (unsigned block = 0; block < blocks && !problem; ++block) {
        block_index.x = block;
        for (unsigned thread = 0; thread < threads && !problem; thread += WARP)
            run_warp(thread);
    }
    return problem;
}
